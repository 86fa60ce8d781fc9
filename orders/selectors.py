"""Questions about orders."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.models import QuerySet

from inventory.models import Location
from orders.errors import FulfillmentUnknown
from orders.models import FulfillmentOrder, Order, OrderLine
from orders.models.order import line_reference
from orders.sourcing import Node


def active_nodes() -> list[Node]:
    """Places that take new work, by priority."""
    rows = Location.objects.filter(is_active=True).order_by("priority", "code")
    return [Node(row.pk, row.code, row.priority) for row in rows]


# No step reads these, and to load them would cost as much as all the rest of an order.
_NOT_FOR_STEPS = (
    *("ship_to", "bill_to", "tags", "note", "extension", "hold_detail"),
    *("total", "discount_total", "shipping_total", "tax_total", "tip_total", "duties_total"),
    *("presentment_total", "difference", "placed_at", "version_at", "accepted_at", "cancelled_at"),
    *("created_at", "updated_at"),
)


def due_orders(*, state: str, limit: int) -> QuerySet[Order]:
    """Orders due for the step after `state`, oldest first, locked; others' are skipped."""
    return (
        Order.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(state=state, held_for="")
        .defer(*_NOT_FOR_STEPS)
        .order_by("pk")[:limit]
    )


def lines_to_place(orders: Iterable[Order]) -> list[OrderLine]:
    """The lines of these orders, without the money."""
    lines = OrderLine.objects.filter(order_id__in=[order.pk for order in orders]).order_by("pk")
    return list(lines.defer("title", "unit_price", "discount", "tax", "total", "taxes"))


def line_ids(orders: Iterable[Order]) -> dict[str, tuple[int, int]]:
    """(order id, line id) of every line of these orders, by its reference."""
    lines = OrderLine.objects.filter(order_id__in=[order.pk for order in orders])
    rows = lines.values_list("pk", "order_id", "external_id")
    return {line_reference(order_id, name): (order_id, pk) for pk, order_id, name in rows}


def lock_orders(order_ids: Iterable[int]) -> list[Order]:
    """The orders, locked in key order."""
    return list(Order.objects.select_for_update().filter(pk__in=list(order_ids)).order_by("pk"))


def lock_order_rows(order_ids: Iterable[int]) -> None:
    """Lock the orders, in key order, without loading them."""
    with connection.cursor() as cursor:  # with every answer, so without the detour over models
        cursor.execute(
            "SELECT FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [list(order_ids)]
        )


def lock_orders_named(
    *, external_ids: Iterable[tuple[int, str]] = (), references: Iterable[str] = ()
) -> list[Order]:
    """The orders with these (channel, external id) and fulfilment references, locked in key order.

    Who will touch several orders in one transaction locks them all at first: two that take theirs
    one by one, in different orders, wait for each other.
    """
    wanted = set(external_ids)
    known = Order.objects.filter(
        channel_id__in={channel_id for channel_id, _ in wanted},
        external_id__in={external_id for _, external_id in wanted},
    )
    placed = FulfillmentOrder.objects.filter(reference__in=set(references))
    ids = set(placed.values_list("order_id", flat=True))
    rows = known.values_list("pk", "channel_id", "external_id")
    ids |= {pk for pk, *identity in rows if tuple(identity) in wanted}
    return lock_orders(ids)


def line_references(orders: Iterable[Order]) -> list[str]:
    """What the lines of these orders are called in promises and at nodes."""
    return list(line_ids(orders))


_SERVABLE = """
SELECT o.* FROM orders_order o
WHERE o.held_for = 'inventory.insufficient_stock' AND o.state = 'ACCEPTED'
  AND (%(item_ids)s::bigint[] IS NULL OR EXISTS (
    SELECT 1 FROM orders_orderline x
    WHERE x.order_id = o.id AND x.item_id = ANY(%(item_ids)s::bigint[])))
  AND NOT EXISTS (
    SELECT 1 FROM orders_orderline l
    WHERE l.order_id = o.id AND l.kind = 'GOODS' AND l.item_id IS NOT NULL
    GROUP BY l.item_id
    HAVING sum(l.quantity - l.removed_quantity) > (
      SELECT coalesce(sum(greatest(s.on_hand - s.reserved, 0)), 0)
      FROM inventory_stocklevel s
      JOIN inventory_location p ON p.id = s.location_id AND p.is_active
      WHERE s.item_id = l.item_id))
ORDER BY o.id LIMIT %(limit)s
FOR UPDATE OF o SKIP LOCKED
"""


def lock_orders_that_stock_could_serve(
    *, limit: int, item_ids: Iterable[int] | None = None
) -> list[Order]:
    """The oldest orders held for stock whose every item is there by now, each on its own.

    Only those that want one of `item_ids`, if given. Those another worker has are skipped.
    """
    wanted = None if item_ids is None else list(item_ids)
    return list(Order.objects.raw(_SERVABLE, {"item_ids": wanted, "limit": limit}))


def lock_fulfillment_order(reference: str) -> FulfillmentOrder:
    """The fulfilment order with its order, the order locked first. Raises `FulfillmentUnknown`."""
    return lock_fulfillment_orders([reference])[0]


def lock_fulfillment_orders(references: Iterable[str]) -> list[FulfillmentOrder]:
    """The same for several, in key order. Raises `FulfillmentUnknown` for the first unknown one."""
    wanted = list(references)
    rows = FulfillmentOrder.objects.filter(reference__in=wanted)
    lock = Order.objects.select_for_update().defer(*_NOT_FOR_STEPS, "sourcing").order_by("pk")
    orders = {order.pk: order for order in lock.filter(pk__in=rows.values("order_id"))}
    # Of the rows only: a lock on the location would make everybody at that node wait for us.
    of_orders = rows.filter(order_id__in=orders).select_related("location").defer("explanation")
    locked = list(of_orders.select_for_update(of=("self",)).order_by("pk"))
    known = {row.reference for row in locked}
    for reference in wanted:
        if reference not in known:
            raise FulfillmentUnknown(f"No fulfilment order {reference} has been heard of yet.")
    for row in locked:
        row.order = orders[row.order_id]
    return locked


def lock_parts_of_locked_orders(references: Iterable[str]) -> QuerySet[FulfillmentOrder]:
    """The fulfilment orders and their journeys, for who has locked the orders and moves neither."""
    rows = FulfillmentOrder.objects.filter(reference__in=list(references))
    return (
        rows.select_for_update(of=("self",))
        .select_related("order", "location")
        .only("reference", "external_id", "request_status", "order__trace_id", "location__name")
        .order_by("pk")
    )
