"""The parcels of a fulfilment order arrived."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orders.canonical import CanonicalFulfillmentEvent
from orders.errors import NotShippedYet
from orders.events import OrderChanged
from orders.lifecycle import OrderState
from orders.models import Shipment
from orders.selectors import lock_fulfillment_order
from orders.services.progress import note_arrival
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
    is_news = row.progress != OrderState.DELIVERED
    if not note_arrival(row, now=now, system=system) and is_news:
        text = f"One parcel: Delivered from {row.location.name}"
        event(row.order, "partly_delivered", text, at=said.occurred_at, system=system).save()
    publish(OrderChanged(order_id=row.order_id))
