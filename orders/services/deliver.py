"""The parcels of a fulfilment order arrived."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orders.canonical import CanonicalFulfillmentEvent
from orders.errors import NotShippedYet
from orders.events import OrderChanged, OrderDelivered
from orders.lifecycle import OrderState
from orders.models import Shipment
from orders.selectors import lock_fulfillment_order
from orders.services.progress import move
from retailhub.kernel.events import publish


@transaction.atomic
def record_delivery(said: CanonicalFulfillmentEvent, *, now: datetime, system: str = "") -> None:
    """Mark what was shipped as delivered. Raises `NotShippedYet` while the shipment is to come."""
    row = lock_fulfillment_order(said.reference)
    shipments = Shipment.objects.filter(fulfillment_order=row)
    if row.progress not in {OrderState.SHIPPED, OrderState.DELIVERED}:
        raise NotShippedYet(f"{said.reference} was delivered before we heard that it shipped.")
    shipments.filter(delivered_at=None).update(delivered_at=said.occurred_at)
    if row.progress == OrderState.SHIPPED:
        move(
            row,
            OrderState.DELIVERED,
            at=said.occurred_at,
            now=now,
            system=system,
            text=f"Delivered from {row.location.name}",
        )
    if row.order.state == OrderState.DELIVERED:
        publish(OrderDelivered(order_id=row.order_id))
    publish(OrderChanged(order_id=row.order_id))
