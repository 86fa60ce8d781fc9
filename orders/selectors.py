"""Questions about orders."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from inventory.models import Location
from orders.errors import FulfillmentUnknown
from orders.models import FulfillmentOrder, Order
from orders.sourcing import Node


def active_nodes() -> list[Node]:
    """Places that take new work, by priority."""
    rows = Location.objects.filter(is_active=True).order_by("priority", "code")
    return [Node(row.pk, row.code, row.priority) for row in rows]


def due_orders(*, state: str, limit: int) -> QuerySet[Order]:
    """Orders due for the step after `state`, oldest first, locked; others' are skipped."""
    return (
        Order.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(state=state, held_for="")
        .order_by("pk")[:limit]
    )


def lock_orders(order_ids: Iterable[int]) -> list[Order]:
    """The orders, locked in key order."""
    return list(Order.objects.select_for_update().filter(pk__in=list(order_ids)).order_by("pk"))


def lock_fulfillment_order(reference: str) -> FulfillmentOrder:
    """The fulfilment order with its order, the order locked first. Raises `FulfillmentUnknown`."""
    found = FulfillmentOrder.objects.filter(reference=reference).first()
    if found is None:
        raise FulfillmentUnknown(f"No fulfilment order {reference} has been heard of yet.")
    order = Order.objects.select_for_update().get(pk=found.order_id)
    row = FulfillmentOrder.objects.select_for_update().select_related("location").get(pk=found.pk)
    row.order = order
    return row
