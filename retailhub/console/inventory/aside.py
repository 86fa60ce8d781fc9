"""Beside an item's numbers: to whom it is promised, and what is on its way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse

from inventory.models import InTransit, Item, Reservation
from retailhub.console.orders import visible_orders
from retailhub.kernel.text import whole_number

MOST = 20


def promises(request: HttpRequest, item: Item) -> tuple[list[dict[str, Any]], bool]:
    """The newest promises that are held, and whether there are more."""
    rows = Reservation.objects.filter(item=item, state=Reservation.State.HELD)
    found = list(rows.select_related("location").order_by("-pk")[: MOST + 1])
    orders = _orders(request, found)
    return [_promise(row, orders) for row in found[:MOST]], len(found) > MOST


def _order_id(reference: str) -> int | None:
    kind, _, rest = reference.partition(":")
    return whole_number(rest.partition(":")[0]) if kind == "order" else None


def _orders(request: HttpRequest, rows: Sequence[Reservation]) -> dict[int, str]:
    ids = {pk for row in rows if (pk := _order_id(row.reference)) is not None}
    return dict(visible_orders(request).filter(pk__in=ids).values_list("pk", "number"))


def _promise(row: Reservation, orders: dict[int, str]) -> dict[str, Any]:
    order_id = _order_id(row.reference)
    number = orders.get(order_id, "") if order_id is not None else ""
    # Whose order it is belongs to the team of its channel; that it holds units is everybody's.
    to = number or ("An order of another team" if order_id is not None else row.reference)
    return {
        "to": to,
        "href": reverse("order", args=[order_id]) if number else "",
        "quantity": row.quantity - row.consumed_quantity,
        "node": row.location.name,
        "at": row.created_at,
        "expires_at": row.expires_at,
    }


def coming(item: Item) -> list[InTransit]:
    """What will arrive, the next first."""
    rows = InTransit.objects.filter(item=item, received_quantity__lt=F("quantity"))
    return list(rows.select_related("location").order_by("expected_at", "pk")[:MOST])
