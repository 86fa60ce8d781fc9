"""The parcels of a fulfilment order arrived."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from orders.canonical import CanonicalFulfillmentEvent
from orders.errors import NotShippedYet
from orders.events import OrderChanged, OrderDelivered
from orders.lifecycle import OrderState
from orders.models import Shipment
from orders.selectors import lock_fulfillment_order
from orders.services.progress import move
from orders.services.timeline import event
from retailhub.kernel.events import publish


@transaction.atomic
def record_delivery(said: CanonicalFulfillmentEvent, *, now: datetime, system: str = "") -> None:
    """Mark what was shipped as delivered. Raises `NotShippedYet` while the shipment is to come."""
    row = lock_fulfillment_order(said.reference)
    parcels = Shipment.objects.filter(fulfillment_order=row)
    arrived = parcels
    if said.shipment_external_id:
        arrived = parcels.filter(external_id=said.shipment_external_id)
    if not arrived.exists():
        raise NotShippedYet(f"{said.reference} was delivered before we heard that it shipped.")
    arrived.filter(delivered_at=None).update(delivered_at=said.occurred_at)
    text = f"Delivered from {row.location.name}"
    facts: dict[str, Any] = {"at": said.occurred_at, "system": system}
    if row.progress == OrderState.SHIPPED and not parcels.filter(delivered_at=None).exists():
        move(row, OrderState.DELIVERED, now=now, text=text, **facts)
        if row.order.state == OrderState.DELIVERED:
            publish(OrderDelivered(order_id=row.order_id))
    elif row.progress != OrderState.DELIVERED:
        event(row.order, "partly_delivered", f"One parcel: {text}", **facts).save()
    publish(OrderChanged(order_id=row.order_id))
