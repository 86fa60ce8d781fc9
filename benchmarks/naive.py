"""The obvious way: one task per order and step, one row at a time, with the ORM.

Kinder than life: the tasks are called here, so no broker carries them.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from connectors.models import Connection, InboundMessage, OutboundMessage
from connectors.services.owe import erp_connection, lane_of, node_connections
from connectors.services.payloads import order_payload, release_payload
from connectors.systems.shopify.mapping import read_order
from inventory.models import Item, Location, Reservation, StockLevel, StockMovement
from orders.models import Customer, FulfillmentLine, FulfillmentOrder, Order, OrderEvent
from orders.services.lines import build_lines, snapshot_fields
from retailhub.kernel.json import read_json
from retailhub.models import LiveEvent


def take_one_by_one() -> None:
    """Every message of the inbox through its three tasks."""
    for pk in list(InboundMessage.objects.order_by("pk").values_list("pk", flat=True)):
        order_id = process(pk)
        reserve(order_id)
        allocate(order_id)


@transaction.atomic
def process(message_id: int) -> int:
    """The message becomes an order."""
    now = timezone.now()
    message = InboundMessage.objects.select_for_update(of=("self",)).get(pk=message_id)
    message.state = "PROCESSING"
    message.save()
    shop = Connection.objects.get(pk=message.connection_id)
    canonical = read_order(read_json(bytes(message.body)))
    assert shop.channel is not None and canonical.customer is not None  # noqa: S101, PT018 - for the types
    buyer, _ = Customer.objects.update_or_create(
        channel=shop.channel,
        external_id=canonical.customer.external_id,
        defaults=asdict(canonical.customer),
    )
    order = Order.objects.create(
        channel=shop.channel,
        external_id=canonical.external_id,
        reference=f"{shop.channel.code}-{canonical.external_id}",
        customer=buyer,
        state="ACCEPTED",
        customer_status="Received",
        accepted_at=now,
        trace_id=message.trace_id,
        **snapshot_fields(canonical),
    )
    item_ids = {line.sku: Item.objects.get(sku=line.sku).pk for line in canonical.lines if line.sku}
    for line in build_lines(order, canonical, item_ids):
        line.save()
    _note(order, "accepted", f"Order {order.number} received", now)
    message.state, message.finished_at = "PROCESSED", now
    message.save()
    return order.pk


@transaction.atomic
def reserve(order_id: int) -> None:
    """Each line takes its units from the first node that has them."""
    now = timezone.now()
    order = Order.objects.select_for_update().get(pk=order_id)
    for line in order.lines.order_by("pk"):
        if line.item_id is None or not line.is_placed:
            continue
        levels = StockLevel.objects.select_for_update().filter(item_id=line.item_id)
        level = next(
            row for row in levels.order_by("location_id") if row.available >= line.quantity
        )
        level.reserved += line.quantity
        level.save()
        promise = Reservation.objects.create(
            reference=line.reference,
            item_id=level.item_id,
            location_id=level.location_id,
            quantity=line.quantity,
        )
        StockMovement.objects.create(
            level=level,
            kind="RESERVED",
            effect_key=f"hold:{promise.pk}",
            reserved_change=line.quantity,
            on_hand_after=level.on_hand,
            reserved_after=level.reserved,
            trace_id=order.trace_id,
            happened_at=now,
        )
    order.state = "RESERVED"
    order.save()
    _note(order, "reserved", "Stock promised", now)


@transaction.atomic
def allocate(order_id: int) -> None:
    """A fulfilment order at the node, and what ERP and node are owed."""
    now = timezone.now()
    order = Order.objects.select_for_update().get(pk=order_id)
    lines = {line.reference: line for line in order.lines.order_by("pk")}
    promises = list(Reservation.objects.filter(reference__in=list(lines), state="HELD"))
    part = FulfillmentOrder.objects.create(
        order=order,
        location=Location.objects.get(pk=promises[0].location_id),
        reference=f"{order.reference}-F1",
    )
    for promise in promises:
        FulfillmentLine.objects.create(
            fulfillment_order=part,
            order_line=lines[promise.reference],
            quantity=promise.quantity,
        )
    order.state, order.customer_status = "ALLOCATED", "In preparation"
    order.save()
    _note(order, "allocated", "Placed", now)
    erp = erp_connection()
    assert erp is not None  # noqa: S101 - for the types
    _owe(order, erp.pk, "order.post", order.reference, order_payload(order, lines.values()), now)
    units = [(lines[promise.reference], promise.quantity) for promise in promises]
    node = node_connections()[part.location.code]
    _owe(
        order, node, "fulfillment.release", part.reference, release_payload(order, part, units), now
    )


def _owe(
    order: Order, connection_id: int, kind: str, reference: str, payload: object, now: datetime
) -> None:
    OutboundMessage.objects.create(
        connection_id=connection_id,
        kind=kind,
        effect_key=f"{kind}:{reference}",
        lane=lane_of(order.pk),
        order_id=order.pk,
        reference=reference,
        criticality="P0",
        payload=payload,
        trace_id=order.trace_id,
        deadline_at=now + timedelta(days=1),
    )


def _note(order: Order, kind: str, text: str, now: datetime) -> None:
    OrderEvent.objects.create(
        order=order, kind=kind, text=text, trace_id=order.trace_id, happened_at=now
    )
    LiveEvent.objects.create(topic="orders", entity=f"order-{order.pk}")
