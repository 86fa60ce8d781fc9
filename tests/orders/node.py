"""What a node says, in the words the steps hear."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from orders.canonical import CanonicalFulfillmentEvent, FulfillmentEventKind, Tracking
from orders.models import FulfillmentOrder, Order
from orders.services.deliver import record_delivery
from orders.services.progress import record_progress
from orders.services.ship import record_shipment

Kind = FulfillmentEventKind
STEPS = {Kind.SHIPPED: record_shipment, Kind.DELIVERED: record_delivery}


def part_of(order: Order, number: int = 1) -> FulfillmentOrder:
    """One fulfilment order, by its number."""
    return FulfillmentOrder.objects.get(reference=f"{order.reference}-F{number}")


def said(
    order: Order,
    kind: Kind,
    *,
    part: int = 1,
    units: dict[str, int] | None = None,
    parcel: str = "P1",
    at: datetime | None = None,
    **more: Any,
) -> CanonicalFulfillmentEvent:
    """A node's word. `units` is by the channel's line id; none means everything."""
    is_of_parcel = kind in STEPS
    return CanonicalFulfillmentEvent(
        reference=f"{order.reference}-F{part}",
        event_id=f"{kind}:{part}:{parcel if is_of_parcel else ''}",
        kind=kind,
        occurred_at=at or timezone.now() - timedelta(minutes=1),
        external_id=f"ob_{part}",
        quantities={f"order:{order.pk}:{number}": n for number, n in (units or {}).items()},
        shipment_external_id=parcel if is_of_parcel else "",
        tracking=Tracking(carrier="DHL", number=f"TRACK-{parcel}") if is_of_parcel else Tracking(),
        **more,
    )


def tell(order: Order, kind: Kind, **more: Any) -> None:
    """Let the node say it."""
    hear(said(order, kind, **more))


def hear(event: CanonicalFulfillmentEvent) -> None:
    STEPS.get(event.kind, record_progress)(event, now=timezone.now(), system="WMS Berlin")
