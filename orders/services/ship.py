"""A parcel left a node: stock is consumed once, the channel and the ERP will hear of it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from inventory.services.consume import Consumption, consume_stock
from orders.canonical import CanonicalFulfillmentEvent
from orders.errors import PaymentLost, ShipsTooMuch, TooLateToCancel
from orders.events import OrderChanged, ShipmentRecorded
from orders.lifecycle import OrderState
from orders.models import FulfillmentLine, FulfillmentOrder, Shipment, ShipmentLine
from orders.selectors import lock_fulfillment_order
from orders.services.hold import hold_order
from orders.services.payment import say_payment_lost
from orders.services.progress import give_back_short, move
from orders.services.timeline import event
from retailhub.kernel.events import publish


@transaction.atomic
def record_shipment(said: CanonicalFulfillmentEvent, *, now: datetime, system: str = "") -> None:
    """Record a parcel, once per event. Raises `FulfillmentUnknown`, `ShipsTooMuch`."""
    row = lock_fulfillment_order(said.reference)
    shipment, is_new = Shipment.objects.get_or_create(
        fulfillment_order=row,
        external_id=said.shipment_external_id or said.event_id,
        defaults={
            "carrier": said.tracking.carrier,
            "tracking_number": said.tracking.number,
            "tracking_url": said.tracking.url,
            # A clock that runs ahead must not hide the counts that come before it.
            "shipped_at": min(said.occurred_at, now),
        },
    )
    if not is_new:
        return
    lines = _take_lines(row, shipment, said)
    _consume(row, shipment, lines)
    text = f"Shipped from {row.location.name}" + (
        f" with {shipment.carrier} {shipment.tracking_number}" if shipment.tracking_number else ""
    )
    if not row.is_live:
        _say_too_late(row, now)
    elif row.order.held_for == PaymentLost.code:
        say_payment_lost(row.order, now=now)
    if all(line.is_done for line in row.lines.all()):
        give_back_short(row, now=now)
        move(row, OrderState.SHIPPED, at=said.occurred_at, now=now, system=system, text=text)
    else:
        event(
            row.order,
            "partly_shipped",
            f"Part {text[0].lower()}{text[1:]}",
            at=said.occurred_at,
            system=system,
        ).save()
        row.order.is_partial = True
        row.order.save(update_fields=["is_partial", "updated_at"])
    publish(ShipmentRecorded(shipment_id=shipment.pk, order_id=row.order_id))
    publish(OrderChanged(order_id=row.order_id))


def _take_lines(
    row: FulfillmentOrder, shipment: Shipment, said: CanonicalFulfillmentEvent
) -> list[ShipmentLine]:
    parcels = []
    strangers = set(said.quantities)
    for line in row.lines.select_related("order_line").order_by("pk"):
        strangers.discard(line.order_line.reference)
        left = line.left
        units = said.quantities.get(line.order_line.reference, 0) if said.quantities else left
        if units > left:
            raise ShipsTooMuch(
                f"{row.location.name} shipped {units} × {line.order_line.sku}, {left} were asked.",
                reference=row.reference,
            )
        if units:
            FulfillmentLine.objects.filter(pk=line.pk).update(
                shipped_quantity=line.shipped_quantity + units,
                short_quantity=min(line.short_quantity, left - units),
            )
            parcels.append(
                ShipmentLine(shipment=shipment, order_line=line.order_line, quantity=units)
            )
    if strangers:
        raise ShipsTooMuch(
            f"{row.location.name} shipped {min(strangers)}, which {row.reference} does not have.",
            reference=row.reference,
        )
    return ShipmentLine.objects.bulk_create(parcels)


def _say_too_late(row: FulfillmentOrder, now: datetime) -> None:
    order, place = row.order, row.location.name
    hold_order(
        order,
        TooLateToCancel(f"{place} shipped {order.number} though nothing was to leave any more."),
        now=now,
    )


def _consume(row: FulfillmentOrder, shipment: Shipment, lines: list[ShipmentLine]) -> None:
    consume_stock(
        [
            Consumption(
                reference=line.order_line.reference,
                item_id=line.order_line.item_id,
                location_id=row.location_id,
                quantity=line.quantity,
                effect_key=f"ship:{shipment.pk}:{line.order_line_id}",
            )
            for line in lines
            if line.order_line.item_id is not None
        ],
        trace_id=row.order.trace_id,
        left_at=shipment.shipped_at,
    )
