"""A newer snapshot of an order we already have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from inventory.errors import InsufficientStock
from orders.canonical import CanonicalOrder
from orders.errors import AwaitingPayment, ChangedAfterRelease, FulfilledElsewhere
from orders.events import OrderChanged
from orders.lifecycle import OrderState
from orders.models import Order, OrderLine
from orders.services.cancel import request_cancellation
from orders.services.hold import hold_order, resume_order
from orders.services.lines import (
    QUIET_HOLDS,
    build_lines,
    hold_on_arrival,
    snapshot_fields,
)
from orders.services.payment import follow_payment
from orders.services.refund import add_refunds
from orders.services.reserve import unreserve
from orders.services.timeline import event
from retailhub.kernel.errors import NeedsOperator
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
    columns = snapshot_fields(canonical)
    for column, value in columns.items():
        setattr(order, column, value)
    order.save(update_fields=[*columns, "told_at", "updated_at"])
    add_refunds(order, canonical.refunds, now=now)
    if paid_before != order.financial_status:
        text = f"Payment: {order.financial_status.replace('_', ' ').lower() or 'unknown'}"
        event(order, "payment", text, at=now).save()
    if canonical.cancelled_at is not None and not was_cancelled:
        request_cancellation(order, reason=canonical.cancel_reason or "cancelled", now=now)
        # Finished on another copy of the row; the next snapshot of the batch meets this one.
        order.refresh_from_db(fields=["state", "customer_status", "held_for", "hold_detail"])
    elif order.cancelled_at is None and order.state not in _OVER:
        _take_lines(order, canonical, item_ids, now)
        _take_hold(order, canonical, now)
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
        _keep_lines(order, canonical, item_ids)
        hold_order(order, error, now=now)
        return
    unreserve(order, "The lines changed in the shop", now=now)
    OrderLine.objects.filter(order=order).delete()
    OrderLine.objects.bulk_create(build_lines(order, canonical, item_ids))
    event(order, "changed", "The lines changed in the shop", at=now).save()
    if order.held_for == InsufficientStock.code:
        resume_order(order, now=now)  # what is wanted now may be there


def _keep_lines(order: Order, canonical: CanonicalOrder, item_ids: Mapping[str, int]) -> None:
    """Remember what the customer has now, beside what the node was asked for: told only once."""
    known = {line.external_id: line for line in order.lines.order_by("pk")}
    for line in build_lines(order, canonical, item_ids):
        if row := known.pop(line.external_id, None):
            row.quantity, row.removed_quantity = line.quantity, line.removed_quantity
            row.save(update_fields=["quantity", "removed_quantity"])
        else:
            line.save()
    for row in known.values():
        row.removed_quantity = row.quantity
        row.save(update_fields=["removed_quantity"])


def _take_hold(order: Order, canonical: CanonicalOrder, now: datetime) -> None:
    """Stop when the money or the need is gone, go on when it is back."""
    if order.state not in _BEFORE_RELEASE:
        follow_payment(order, now=now)
        return
    reason = hold_on_arrival(canonical)
    if reason == order.held_for:
        return
    if reason in _REASONS:
        unreserve(order, "Its promise was given back", now=now)
        hold_order(order, _REASONS[reason], now=now)
    elif not reason and order.held_for in QUIET_HOLDS:
        resume_order(order, now=now)


_REASONS: dict[str, NeedsOperator] = {
    error.code: error
    for error in (
        AwaitingPayment("The shop has no payment for it."),
        FulfilledElsewhere("The shop says that all of it has been sent."),
    )
}
