"""What an order is owed is asked for now, and what was forgotten is owed after all."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from connectors.lifecycle import OutboundState
from connectors.models import OutboundMessage
from connectors.services.owe import owe_allocation, owe_shipment
from orders.lifecycle import OrderState
from orders.models import Order, Shipment

_PLACED = frozenset({OrderState.ALLOCATED, OrderState.PICKED, OrderState.PACKED})


@transaction.atomic
def hurry_order(*, order_id: int, now: datetime) -> int:
    """Bring the effects of a locked order to their next try. Returns how many are new or sooner.

    Effects have keys of their own, so nothing is asked twice. One in doubt keeps its time: looking
    too early could find nothing where something is about to be. Raises `NoNodeConnection`.
    """
    order = Order.objects.get(pk=order_id)
    owed = OutboundMessage.objects.filter(order_id=order_id)
    before = owed.count()
    if order.state in _PLACED and order.cancelled_at is None:
        owe_allocation([order_id], now=now)
    for shipment in Shipment.objects.filter(fulfillment_order__order=order).order_by("pk"):
        owe_shipment(shipment.pk, now=now)
    waiting = owed.filter(state=OutboundState.READY, next_attempt_at__gt=now)
    return owed.count() - before + waiting.update(next_attempt_at=now)
