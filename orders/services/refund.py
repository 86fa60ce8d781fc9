"""Money the channel gave back, recorded once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from orders.canonical import CanonicalRefund
from orders.errors import OrderUnknown
from orders.events import RefundRecorded
from orders.models import Order, Refund
from orders.services.timeline import event
from retailhub.kernel.events import publish
from retailhub.kernel.money import format_money


@transaction.atomic
def record_refund(refund: CanonicalRefund, *, channel_id: int, now: datetime) -> None:
    """Put a refund on its order. Hearing it again changes nothing. Raises `OrderUnknown`."""
    order = (
        Order.objects.select_for_update()
        .filter(channel_id=channel_id, external_id=refund.order_external_id)
        .first()
    )
    if order is None:
        raise OrderUnknown(f"No order {refund.order_external_id} has been heard of yet.")
    add_refunds(order, [refund], now=now)


def add_refunds(order: Order, refunds: Iterable[CanonicalRefund], *, now: datetime) -> None:
    """Record those of `refunds` that the locked `order` does not have yet."""
    for refund in refunds:
        row, is_new = Refund.objects.get_or_create(
            order=order,
            external_id=refund.external_id,
            defaults={
                "amount": refund.amount,
                "currency": refund.currency,
                "note": refund.note,
                "refunded_at": refund.refunded_at,
            },
        )
        if is_new:
            text = f"Refunded {format_money(row.amount, row.currency)}"
            event(order, "refunded", text, at=refund.refunded_at).save()
            publish(RefundRecorded(refund_id=row.pk, order_id=order.pk))
