"""What does the warehouse tell, and how do we ask it? Pure, both ways.

A parcel is known by its shipment id, so the event that told of it and a poll that found it later
are one fact.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.systems.base import CodeBook, MappingTable
from connectors.systems.fields import Fields
from inventory.canonical import CanonicalStockCount, CanonicalStockMovement, MovementKind
from orders.canonical import CanonicalFulfillmentEvent, FulfillmentEventKind, Tracking

EVENT = "The warehouse's event"
ORDER = "The warehouse's order"
POLLED_TOPIC = "order.polled"
COUNT_TOPIC = "stock.counted"
MOVEMENTS = {
    "stock.adjusted": MovementKind.ADJUSTED,
    "stock.received": MovementKind.RECEIVED,
}
KINDS = {
    "order.received": FulfillmentEventKind.ACKNOWLEDGED,
    "order.picked": FulfillmentEventKind.PICKED,
    "order.packed": FulfillmentEventKind.PACKED,
    "order.shipped": FulfillmentEventKind.SHIPPED,
    "order.delivered": FulfillmentEventKind.DELIVERED,
    "order.short": FulfillmentEventKind.SHORT,
    "order.cancelled": FulfillmentEventKind.CANCELLED,
}
# The last step of a polled order, unless its parcels tell it.
STEP_OF = {
    "received": FulfillmentEventKind.ACKNOWLEDGED,
    "picked": FulfillmentEventKind.PICKED,
    "packed": FulfillmentEventKind.PACKED,
    "partially_shipped": None,
    "shipped": None,
    "delivered": None,
    "short": None,
    "cancelled": FulfillmentEventKind.CANCELLED,
}
# Our fulfilment orders are called <order reference>-F<number>.
_FULFILLMENT = re.compile(r"-F\d+$")


def read_event(topic: str, payload: Any) -> CanonicalFulfillmentEvent:
    """One step of one outbound order. Raises `MappingFailed` naming the field."""
    event = Fields(payload, EVENT)
    data = event.inside("data") or event.refuse("data", "is missing")
    kind = KINDS[topic]
    shipment_id = data.identifier("shipment_id") if kind in _PARCEL_KINDS else ""
    return CanonicalFulfillmentEvent(
        reference=data.text("reference", limit=170),
        event_id=f"{kind}:{shipment_id}" if shipment_id else event.identifier("id"),
        kind=kind,
        occurred_at=data.optional_moment("delivered_at") or event.moment("occurred_at"),
        external_id=data.identifier("outbound_order_id"),
        quantities=read_quantities(data, _UNITS.get(kind, "quantity")),
        tracking=read_tracking(data),
        shipment_external_id=shipment_id,
        reason=_reason(data),
    )


def read_count(payload: Any) -> CanonicalStockCount:
    """What was counted: units on the shelf, those spoken for included."""
    event = Fields(payload, EVENT)
    data = event.inside("data") or event.refuse("data", "is missing")
    return CanonicalStockCount(
        sku=data.text("sku", limit=80),
        location=data.text("warehouse", limit=80),
        quantity=data.quantity("on_hand"),
        counted_at=data.optional_moment("counted_at") or event.moment("occurred_at"),
        source_key=f"count:{event.identifier('id')}",
    )


def read_movement(topic: str, payload: Any) -> CanonicalStockMovement:
    """Goods that came in, or that the warehouse wrote on or off."""
    event = Fields(payload, EVENT)
    data = event.inside("data") or event.refuse("data", "is missing")
    kind = MOVEMENTS[topic]
    return CanonicalStockMovement(
        kind=kind,
        sku=data.text("sku", limit=80),
        location=data.text("warehouse", limit=80),
        quantity=data.amount("quantity", signed=kind is MovementKind.ADJUSTED),
        happened_at=event.moment("occurred_at"),
        source_key=event.identifier("id"),
        reason=data.label("reason", limit=200),
        reference=data.label("reference", limit=120),
    )


def read_polled(payload: Any) -> list[CanonicalFulfillmentEvent]:
    """Where a polled outbound order stands: its last step, what is short, its parcels."""
    order = Fields(payload, ORDER)
    order_id, at = order.identifier("id"), order.moment("updated_at")
    step = order.choice("status", STEP_OF)
    short = read_quantities(order, "short_quantity")
    steps = [(FulfillmentEventKind.SHORT, short)] if short else []
    if step:
        steps.insert(0, (step, {}))
    return [
        *(
            CanonicalFulfillmentEvent(
                reference=order.text("reference", limit=170),
                event_id=f"{kind}:{order_id}",
                kind=kind,
                occurred_at=at,
                external_id=order_id,
                quantities=quantities,
            )
            for kind, quantities in steps
        ),
        *_parcels(order, order_id, at),
    ]


def _parcels(order: Fields, order_id: str, at: datetime) -> Iterator[CanonicalFulfillmentEvent]:
    # The order's status is the only word on delivery, so it counts for all its parcels.
    is_delivered = order.text("status") == "delivered"
    for kind in _PARCEL_KINDS if is_delivered else _PARCEL_KINDS[:1]:
        for parcel in order.items("shipments"):
            shipment_id = parcel.identifier("id")
            yield CanonicalFulfillmentEvent(
                reference=order.text("reference", limit=170),
                event_id=f"{kind}:{shipment_id}",
                kind=kind,
                occurred_at=at
                if kind is FulfillmentEventKind.DELIVERED
                else parcel.moment("shipped_at"),
                external_id=order_id,
                quantities=read_quantities(parcel, "quantity"),
                tracking=read_tracking(parcel),
                shipment_external_id=shipment_id,
            )


_PARCEL_KINDS = (FulfillmentEventKind.SHIPPED, FulfillmentEventKind.DELIVERED)
_UNITS = {FulfillmentEventKind.SHORT: "short_quantity"}


def read_quantities(data: Fields, field: str) -> dict[str, int]:
    """Units by our line reference, lines without any left out."""
    units: Counter[str] = Counter()
    for line in data.items("lines"):
        units[line.text("line", limit=170)] += line.quantity(field)
    return {line: quantity for line, quantity in units.items() if quantity}


def read_tracking(data: Fields) -> Tracking:
    """Where the parcel is followed; empty before there is one."""
    return Tracking(
        carrier=data.label("carrier", limit=80),
        number=data.label("tracking_number", limit=120),
        url=data.label("tracking_url", limit=500),
    )


def _reason(data: Fields) -> str:
    lines = [line.label("reason", limit=200) for line in data.items("lines")]
    return data.label("reason", limit=200) or "; ".join(dict.fromkeys(filter(None, lines)))[:200]


def lane_of(payload: Any) -> tuple[str, str]:
    """(lane, entity) of an event: one lane per order, one per shelf; empty if it names neither."""
    data = payload.get("data", payload) if isinstance(payload, dict) else None
    if not isinstance(data, dict):
        return "", ""
    if not str(payload.get("type", "")).startswith("stock.") and (
        reference := data.get("reference")
    ):
        return f"order:{_FULFILLMENT.sub('', str(reference))}"[:160], str(reference)[:160]
    if sku := data.get("sku"):
        place = f"{data.get('warehouse')}:{sku}"[:140]
        return f"stock:{place}", place
    return "", ""


def write_outbound_order(payload: Mapping[str, Any], codes: CodeBook) -> dict[str, Any]:
    """The outbound order to ask for. `line` is our line reference and comes back in every event."""
    ship_to = payload.get("ship_to") or {}
    body: dict[str, Any] = {
        "reference": payload["reference"],
        "warehouse": codes.external(MappingTable.LOCATION, payload["location"]),
        "ship_to": write_address(ship_to),
        "lines": [
            {
                "line": line["reference"],
                "sku": codes.external(MappingTable.SKU, line["sku"]),
                "quantity": int(line["quantity"]),
            }
            for line in payload["lines"]
        ],
    }
    if method := payload.get("shipping_method"):
        body["service"] = codes.external(MappingTable.SHIPPING_METHOD, method)
    return body


def write_address(ship_to: Mapping[str, Any]) -> dict[str, str]:
    """A label's address; the company stands in for a missing name."""
    address = {
        "name": ship_to.get("name") or ship_to.get("company") or "",
        "line1": ship_to.get("line1"),
        "line2": ship_to.get("line2"),
        "postal_code": ship_to.get("postal_code"),
        "city": ship_to.get("city"),
        "region": ship_to.get("region"),
        "country_code": ship_to.get("country_code"),
        "phone": ship_to.get("phone"),
    }
    return {name: str(value) for name, value in address.items() if value}
