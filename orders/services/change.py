"""A newer snapshot of an order we already have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from orders.canonical import CanonicalOrder
from orders.errors import ChangedAfterRelease
from orders.events import OrderChanged
from orders.lifecycle import OrderState
from orders.models import Order, OrderLine
from orders.services.cancel import request_cancellation
from orders.services.hold import hold_order, resume_order
from orders.services.lines import RELEASABLE, build_lines, snapshot_fields
from orders.services.refund import add_refunds
from orders.services.reserve import unreserve
from orders.services.timeline import event
from retailhub.kernel.events import publish

_BEFORE_RELEASE = frozenset({OrderState.ACCEPTED, OrderState.RESERVED})
_GONE = frozenset({OrderState.SHIPPED, OrderState.RETURNED})
_OVER = frozenset({OrderState.CANCELLED, OrderState.DELIVERED, OrderState.RECONCILED})


def apply_snapshot(
    order: Order, canonical: CanonicalOrder, *, item_ids: Mapping[str, int], now: datetime
) -> None:
    """Replace what the channel says about a locked `order` with a newer version of it."""
    was_cancelled = order.cancelled_at is not None
    paid_before = order.financial_status
    for column, value in snapshot_fields(canonical).items():
        setattr(order, column, value)
    order.save()
    add_refunds(order, canonical.refunds, now=now)
    if paid_before != order.financial_status:
        text = f"Payment: {order.financial_status.replace('_', ' ').lower() or 'unknown'}"
        event(order, "payment", text, at=now).save()
    if canonical.cancelled_at is not None and not was_cancelled:
        request_cancellation(order, reason=canonical.cancel_reason or "cancelled", now=now)
    elif order.state not in _OVER:
        _take_lines(order, canonical, item_ids, now)
        _take_payment(order, now)
    publish(OrderChanged(order_id=order.pk))


def _take_lines(
    order: Order, canonical: CanonicalOrder, item_ids: Mapping[str, int], now: datetime
) -> None:
    if order.state in _GONE:
        return  # what is taken off now is a return, not a change
    wanted = {line.external_id: line.quantity - line.removed_quantity for line in canonical.lines}
    known = {line.external_id: line.wanted_quantity for line in order.lines.all()}
    if wanted == known:
        return
    if order.state not in _BEFORE_RELEASE:
        error = ChangedAfterRelease(
            f"{order.number} was changed in the shop after a warehouse began to work on it."
        )
        hold_order(order, error, now=now)
        return
    unreserve(order, "The lines changed in the shop", now=now)
    OrderLine.objects.filter(order=order).delete()
    OrderLine.objects.bulk_create(build_lines(order, canonical, item_ids))
    event(order, "changed", "The lines changed in the shop", at=now).save()


def _take_payment(order: Order, now: datetime) -> None:
    if order.held_for == "orders.awaiting_payment" and order.financial_status in RELEASABLE:
        resume_order(order, now=now)
