"""What a node told us -> where the fulfilment order, and with it the order, now stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from inventory.services.release import release_stock
from orders.canonical import CanonicalFulfillmentEvent, FulfillmentEventKind
from orders.errors import CancelledAtNode, NodeShort
from orders.events import OrderChanged, OrderDelivered
from orders.lifecycle import OrderState, RequestStatus, WorkStatus, is_late, overall
from orders.models import FulfillmentOrder, Order, Shipment
from orders.selectors import lock_fulfillment_order
from orders.services.cancel import confirm_cancellation
from orders.services.hold import hold_order
from orders.services.timeline import advance, event
from retailhub.kernel.events import publish

Kind = FulfillmentEventKind
_WORDS = {
    OrderState.PICKED: "Picked",
    OrderState.PACKED: "Packed",
    OrderState.SHIPPED: "Shipped",
    OrderState.DELIVERED: "Delivered",
}


@transaction.atomic
def record_progress(said: CanonicalFulfillmentEvent, *, now: datetime, system: str = "") -> None:
    """Apply what a node said that moves no goods. Late news is history and moves nothing back."""
    row = lock_fulfillment_order(said.reference)
    _HANDLERS[said.kind](row, said, now, system)
    publish(OrderChanged(order_id=row.order_id))


def move(
    row: FulfillmentOrder,
    to: OrderState,
    *,
    at: datetime,
    now: datetime,
    system: str,
    text: str = "",
) -> None:
    """Bring a locked fulfilment order to `to` and its order to where all its live parts are."""
    text = text or f"{_WORDS[to]} at {row.location.name}"
    if row.is_live and not is_late(OrderState(row.progress), to):
        row.progress = to
        row.work_status = WorkStatus.CLOSED if to in _GONE else WorkStatus.IN_PROGRESS
        row.closed_at = now if to in _GONE and row.closed_at is None else row.closed_at
        row.save(update_fields=["progress", "work_status", "closed_at", "updated_at"])
    facts: dict[str, Any] = {"at": at, "system": system, "reference": row.reference}
    if not settle_order(row.order, text, now=now, **facts):
        event(row.order, to.lower(), text, **facts).save()
    if to == OrderState.SHIPPED:
        note_arrival(row, now=now, system=system)


def note_arrival(row: FulfillmentOrder, *, now: datetime, system: str) -> bool:
    """Delivered, when all that was to leave has left and arrived, whichever we heard last.

    Says whether it is.
    """
    arrivals = list(
        Shipment.objects.filter(fulfillment_order=row).values_list("delivered_at", flat=True)
    )
    moments = [at for at in arrivals if at is not None]
    if row.progress != OrderState.SHIPPED or not moments or len(moments) < len(arrivals):
        return False
    text = f"Delivered from {row.location.name}"
    move(row, OrderState.DELIVERED, at=max(moments), now=now, system=system, text=text)
    if row.order.state == OrderState.DELIVERED:
        publish(OrderDelivered(order_id=row.order_id))
    return True


_GONE = frozenset({OrderState.SHIPPED, OrderState.DELIVERED})


def settle_order(order: Order, text: str, *, now: datetime, **facts: Any) -> bool:
    """Move a locked order to its least advanced live part. Says whether it moved."""
    parts = [fo for fo in order.fulfillment_orders.order_by("pk") if fo.is_live]
    state = overall(OrderState(fo.progress) for fo in parts)
    order.is_partial = len({fo.progress for fo in parts}) > 1
    moves = state is not None and not _is_behind(order, state)
    if state is not None and moves:
        advance(order, state, text, **facts).save()
        order.delivered_at = now if state == OrderState.DELIVERED else order.delivered_at
    order.save(
        update_fields=["state", "customer_status", "is_partial", "delivered_at", "updated_at"]
    )
    return moves


def _is_behind(order: Order, state: OrderState) -> bool:
    current = OrderState(order.state)
    return current not in _WALK or is_late(current, state)


_WALK = frozenset({OrderState.ALLOCATED, *_WORDS})


def _acknowledge(
    row: FulfillmentOrder, said: CanonicalFulfillmentEvent, now: datetime, system: str
) -> None:
    row.external_id = said.external_id or row.external_id
    if row.request_status in {RequestStatus.UNSUBMITTED, RequestStatus.SUBMITTED}:
        row.request_status = RequestStatus.ACCEPTED
    row.save(update_fields=["external_id", "request_status", "updated_at"])
    text = f"{row.location.name} took the order"
    event(row.order, "acknowledged", text, at=said.occurred_at, system=system).save()


def _to(state: OrderState) -> Callable[..., None]:
    def handler(
        row: FulfillmentOrder, said: CanonicalFulfillmentEvent, now: datetime, system: str
    ) -> None:
        move(row, state, at=said.occurred_at, now=now, system=system)

    return handler


def _short(
    row: FulfillmentOrder, said: CanonicalFulfillmentEvent, now: datetime, system: str
) -> None:
    if not row.is_live or row.progress in _GONE or not _note_short(row, said):
        return
    lines = list(row.lines.all())
    if all(line.is_done for line in lines):
        if any(line.shipped_quantity for line in lines):
            give_back_short(row, now=now)
            move(row, OrderState.SHIPPED, at=said.occurred_at, now=now, system=system)
        else:
            row.work_status = WorkStatus.INCOMPLETE
            row.save(update_fields=["work_status", "updated_at"])
    what = f": {said.reason.replace('_', ' ')}" if said.reason else ""
    hold_order(
        row.order,
        NodeShort(f"{row.location.name} can't find the goods of {row.order.number}{what}."),
        now=now,
    )


def _note_short(row: FulfillmentOrder, said: CanonicalFulfillmentEvent) -> bool:
    """Write down what will not come. Says whether that is news: a poll says it again and again."""
    is_news = False
    for line in row.lines.select_related("order_line").order_by("pk"):
        asked = said.quantities.get(line.order_line.reference, 0) if said.quantities else line.left
        short = min(asked, line.left)
        if short > line.short_quantity:
            line.short_quantity, is_news = short, True
            line.save(update_fields=["short_quantity"])
    return is_news


def give_back_short(row: FulfillmentOrder, *, now: datetime) -> None:
    """What a node never sends is promised to nobody any more, once all the rest has left."""
    lines = row.lines.filter(short_quantity__gt=0).select_related("order_line")
    if references := [line.order_line.reference for line in lines]:
        release_stock(references, trace_id=row.order.trace_id, now=now, location_id=row.location_id)


def _cancelled(
    row: FulfillmentOrder, said: CanonicalFulfillmentEvent, now: datetime, system: str
) -> None:
    if not row.is_live or row.progress in _GONE:
        return
    was_asked = row.request_status == RequestStatus.CANCELLATION_REQUESTED
    confirm_cancellation(row, now=now, system=system)
    if row.order.cancelled_at is None and not was_asked:
        hold_order(
            row.order,
            CancelledAtNode(f"{row.location.name} cancelled {row.order.number} by itself."),
            now=now,
        )


_HANDLERS: dict[FulfillmentEventKind, Callable[..., None]] = {
    Kind.ACKNOWLEDGED: _acknowledge,
    Kind.PICKED: _to(OrderState.PICKED),
    Kind.PACKED: _to(OrderState.PACKED),
    Kind.SHORT: _short,
    Kind.CANCELLED: _cancelled,
}
