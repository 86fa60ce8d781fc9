"""The channel cancelled: stop what has not left, and say so where it is known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from inventory.services.release import release_stock
from orders.errors import AwaitingPayment, TooLateToCancel
from orders.events import CancellationRequested, OrderCancelled
from orders.lifecycle import OrderState, RequestStatus, WorkStatus
from orders.models import FulfillmentOrder, Order, Shipment
from orders.selectors import lock_fulfillment_order, lock_fulfillment_orders
from orders.services.hold import hold_order, resume_order
from orders.services.lines import PAYMENT_LOST
from orders.services.reroute import place_again
from orders.services.timeline import advance, event
from retailhub.kernel.events import publish

_SHIPPED = frozenset({OrderState.SHIPPED, OrderState.DELIVERED, OrderState.RETURNED})


def request_cancellation(order: Order, *, reason: str, now: datetime) -> None:
    """Cancel a locked `order`, at once where no node has it, else by asking the nodes first."""
    event(order, "cancellation", f"Cancelled in the shop: {reason}", at=now).save()
    has_left = Shipment.objects.filter(fulfillment_order__order=order).exists()
    if has_left or order.state in _SHIPPED:
        error = TooLateToCancel(f"{order.number} was cancelled in the shop after goods had left.")
        hold_order(order, error, now=now)
        return
    if not ask_nodes_to_stop(order):
        _finish(order, now)


def ask_nodes_to_stop(order: Order) -> bool:
    """Stop every part of a locked `order` that has not left. Says whether there is one."""
    parts = order.fulfillment_orders.order_by("pk")
    asked = [fo.pk for fo in parts if fo.is_live and fo.progress not in _SHIPPED]
    if asked:
        FulfillmentOrder.objects.filter(pk__in=asked).update(
            request_status=RequestStatus.CANCELLATION_REQUESTED
        )
        publish(CancellationRequested(order_id=order.pk))
    return bool(asked)


def confirm_cancellation(row: FulfillmentOrder, *, now: datetime, system: str = "") -> None:
    """A node will not send a locked fulfilment order: free its stock; the last one finishes."""
    if not row.is_live or row.progress in _SHIPPED:
        return
    was_asked = row.request_status == RequestStatus.CANCELLATION_REQUESTED
    row.work_status, row.request_status = WorkStatus.CANCELLED, RequestStatus.CANCELLATION_ACCEPTED
    row.closed_at = now
    row.save(update_fields=["work_status", "request_status", "closed_at", "updated_at"])
    references = [line.order_line.reference for line in row.lines.select_related("order_line")]
    release_stock(references, trace_id=row.order.trace_id, now=now, location_id=row.location_id)
    text = f"{row.location.name} will not send it"
    event(row.order, "node_cancelled", text, at=now, system=system).save()
    order = row.order
    others = order.fulfillment_orders.exclude(pk=row.pk)
    if any(fo.is_live for fo in others):
        return
    if order.cancelled_at is not None:
        _finish(order, now)
    elif was_asked:
        _begin_anew(order, now)


@transaction.atomic
def confirm_node_cancellations(references: Iterable[str], *, now: datetime) -> None:
    """Nodes agreed to drop what we asked them to drop."""
    for row in lock_fulfillment_orders(references):
        confirm_cancellation(row, now=now)


@transaction.atomic
def drop_cancelled(*, reference: str, now: datetime) -> None:
    """Nobody will ask the node any more: a part of a cancelled order counts as dropped."""
    row = lock_fulfillment_order(reference)
    if row.order.cancelled_at is not None:
        confirm_cancellation(row, now=now)


def _finish(order: Order, now: datetime) -> None:
    references = [line.reference for line in order.lines.all()]
    release_stock(references, trace_id=order.trace_id, now=now)
    resume_order(order, now=now)
    advance(order, OrderState.CANCELLED, "Cancelled", at=now).save()
    order.save(update_fields=["state", "customer_status", "updated_at"])
    publish(OrderCancelled(order_id=order.pk))


def _begin_anew(order: Order, now: datetime) -> None:
    """Its payment was lost and no node has it any more: in time, if nothing has left."""
    if Shipment.objects.filter(fulfillment_order__order=order).exists():
        return
    place_again(order, now=now)
    resume_order(order, now=now)
    if order.financial_status in PAYMENT_LOST:
        hold_order(order, AwaitingPayment("The shop has no payment for it."), now=now)
