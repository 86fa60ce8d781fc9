"""Every change of an item's stock, in the words of the shop floor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from exceptions.rows import duration
from inventory.history import newest_movements
from inventory.models import StockMovement
from retailhub.console.orders import visible_orders
from retailhub.templatetags.console import signed

PAGE = 50
# Heard so much later than it happened is worth saying.
LATE = timedelta(minutes=1)

_Kind = StockMovement.Kind
# kind -> (words, icon, colour); {n} units moved, {count} were counted, {change} has its sign
KINDS: dict[str, tuple[str, str, str]] = {
    _Kind.COUNTED: ("{count} counted ({change})", "check", "blue"),
    _Kind.ADJUSTED: ("Corrected by {change}", "edit", "amber"),
    _Kind.RECEIVED: ("{n} received from a supplier", "in", "green"),
    _Kind.SENT_ON: ("{n} sent on to another node", "out", "gray"),
    _Kind.ARRIVED: ("{n} arrived from another node", "in", "green"),
    _Kind.RETURNED: ("{n} returned by a customer", "undo", "green"),
    _Kind.SOLD: ("{n} sold over the counter", "money", "gray"),
    _Kind.ALLOCATED: ("{n} set aside by the node", "box", "amber"),
    _Kind.RESERVED: ("{n} promised", "claim", "violet"),
    _Kind.RELEASED: ("{n} no longer promised", "undo", "gray"),
    _Kind.CONSUMED: ("{n} shipped", "truck", "teal"),
}
_GIVEN_BACK = ("{n} given back by the node", "box", "green")
_OTHER = ("Changed by {change}", "open", "gray")


def movements_page(
    request: HttpRequest, level_ids: Iterable[int], before: int | None
) -> tuple[list[dict[str, Any]], int | None]:
    """One page of the ledger, newest first, and the id to go on after if there is more."""
    found = newest_movements(level_ids, before=before, limit=PAGE + 1)
    page = found[:PAGE]
    orders = _orders(request, {row.trace_id for row in page if row.trace_id})
    return [_line(row, orders) for row in page], page[-1].pk if len(found) > PAGE else None


def _orders(request: HttpRequest, traces: set[UUID]) -> dict[UUID, tuple[str, str]]:
    rows = visible_orders(request).filter(trace_id__in=traces) if traces else ()
    return {row.trace_id: (row.number, reverse("order", args=[row.pk])) for row in rows}


def _line(row: StockMovement, orders: Mapping[UUID, tuple[str, str]]) -> dict[str, Any]:
    text, icon, color = _words(row)
    number, href = orders.get(row.trace_id, ("", "")) if row.trace_id else ("", "")
    late = row.heard_at - row.happened_at
    free = row.on_hand_after - row.reserved_after - row.allocated_after
    return {
        "id": row.pk,
        "at": row.heard_at,
        "day": timezone.localtime(row.heard_at).date(),
        "icon": icon,
        "color": color,
        "text": text,
        "node": row.level.location.name,
        "source": row.source or "RetailHub",
        "reason": row.reason,
        "order": number,
        "order_href": href,
        "heard_late": duration(late) if late > LATE else "",
        "happened_at": row.happened_at,
        "on_hand": row.on_hand_after,
        "reserved": row.reserved_after,
        "allocated": row.allocated_after,
        "free": free,
    }


def _words(row: StockMovement) -> tuple[str, str, str]:
    words, icon, color = KINDS.get(row.kind, _OTHER)
    if row.kind == _Kind.ALLOCATED and row.allocated_change < 0:
        words, icon, color = _GIVEN_BACK
    change = row.on_hand_change or row.reserved_change or row.allocated_change
    text = words.format(n=abs(change), count=row.on_hand_after, change=signed(row.on_hand_change))
    return text, icon, color
