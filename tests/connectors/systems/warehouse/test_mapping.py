"""What the warehouse tells becomes one fact, however it reached us."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.systems.base import MappingFailed
from connectors.systems.warehouse import Warehouse
from connectors.systems.warehouse.mapping import write_outbound_order
from inventory.canonical import CanonicalStockCount
from orders.canonical import CanonicalFulfillmentEvent, FulfillmentEventKind, Tracking
from tests.connectors.systems.conftest import Codes

Kind = FulfillmentEventKind
AT = "2026-11-20T12:00:00.000Z"
REFERENCE = "shopify-de-17-F1"
PARCEL: dict[str, Any] = {
    "carrier": "DHL",
    "tracking_number": "00340",
    "tracking_url": "https://dhl.example/00340",
    "lines": [{"line": "order:5:64", "sku": "MUG-BLUE", "quantity": 2}],
}


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "type": kind,
        "occurred_at": AT,
        "sequence": 1,
        "data": {"outbound_order_id": "ob_1", "reference": REFERENCE, **data},
    }


def read(payload: dict[str, Any]) -> CanonicalFulfillmentEvent:
    (fact,) = Warehouse().read(payload["type"], payload).facts
    assert isinstance(fact, CanonicalFulfillmentEvent)
    return fact


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("order.received", Kind.ACKNOWLEDGED),
        ("order.picked", Kind.PICKED),
        ("order.packed", Kind.PACKED),
        ("order.cancelled", Kind.CANCELLED),
    ],
)
def test_reads_a_step(topic: str, kind: Kind) -> None:
    lines = [{"line": "order:5:64", "quantity": 2}, {"line": "order:5:65", "quantity": 0}]

    fact = read(event(topic, lines=lines, reason="requested"))

    assert (fact.kind, fact.event_id, fact.external_id) == (kind, "evt_1", "ob_1")
    assert (fact.reference, fact.quantities) == (REFERENCE, {"order:5:64": 2})
    assert (fact.occurred_at, fact.reason) == (datetime.fromisoformat(AT), "requested")


def test_reads_a_parcel() -> None:
    fact = read(event("order.shipped", shipment_id="sh_1", is_partial=True, **PARCEL))

    assert (fact.kind, fact.event_id) == (Kind.SHIPPED, "SHIPPED:sh_1")
    assert fact.shipment_external_id == "sh_1"
    assert fact.tracking == Tracking(carrier="DHL", number="00340", url="https://dhl.example/00340")
    assert fact.quantities == {"order:5:64": 2}


def test_reads_a_delivery_at_the_time_it_happened() -> None:
    late = "2026-11-22T08:00:00.000Z"

    fact = read(event("order.delivered", shipment_id="sh_1", delivered_at=late))

    assert (fact.kind, fact.event_id) == (Kind.DELIVERED, "DELIVERED:sh_1")
    assert fact.occurred_at == datetime.fromisoformat(late)


def test_reads_how_many_are_short() -> None:
    short = {"line": "order:5:64", "quantity": 3, "picked_quantity": 1, "short_quantity": 2}

    fact = read(event("order.short", lines=[short | {"reason": "not_on_shelf"}]))

    assert (fact.kind, fact.quantities, fact.reason) == (
        Kind.SHORT,
        {"order:5:64": 2},
        "not_on_shelf",
    )


def test_reads_a_count() -> None:
    counted = {"warehouse": "BERLIN", "sku": "MUG-BLUE", "on_hand": 12, "allocated": 3}
    payload = event("stock.counted", **counted, counted_at="2026-11-20T11:59:00Z")

    assert Warehouse().read("stock.counted", payload).facts == [
        CanonicalStockCount(
            sku="MUG-BLUE",
            location="BERLIN",
            quantity=12,
            counted_at=datetime.fromisoformat("2026-11-20T11:59:00Z"),
            source_key="count:evt_1",
        )
    ]


def polled(status: str, **changes: Any) -> list[tuple[Kind, str]]:
    order = {
        "id": "ob_1",
        "reference": REFERENCE,
        "status": status,
        "lines": [{"line": "order:5:64", "quantity": 2, "short_quantity": 0}],
        "shipments": [],
        "updated_at": AT,
    }
    facts = Warehouse().read("order.polled", order | changes).facts
    events = [fact for fact in facts if isinstance(fact, CanonicalFulfillmentEvent)]
    assert len(events) == len(facts)
    return [(event.kind, event.event_id) for event in events]


SENT = {"shipments": [PARCEL | {"id": "sh_1", "shipped_at": AT}]}
SHORT_LINE = {"lines": [{"line": "order:5:64", "quantity": 2, "short_quantity": 2}]}


@pytest.mark.parametrize(
    ("status", "changes", "expected"),
    [
        ("received", {}, [(Kind.ACKNOWLEDGED, "ACKNOWLEDGED:ob_1")]),
        ("picked", {}, [(Kind.PICKED, "PICKED:ob_1")]),
        ("packed", {}, [(Kind.PACKED, "PACKED:ob_1")]),
        ("partially_shipped", SENT, [(Kind.SHIPPED, "SHIPPED:sh_1")]),
        ("shipped", SENT, [(Kind.SHIPPED, "SHIPPED:sh_1")]),
        ("delivered", SENT, [(Kind.SHIPPED, "SHIPPED:sh_1"), (Kind.DELIVERED, "DELIVERED:sh_1")]),
        ("short", SHORT_LINE, [(Kind.SHORT, "SHORT:ob_1")]),
        ("cancelled", {}, [(Kind.CANCELLED, "CANCELLED:ob_1")]),
    ],
)
def test_a_poll_tells_what_lost_events_would_have(
    status: str, changes: dict[str, Any], expected: list[tuple[Kind, str]]
) -> None:
    assert polled(status, **changes) == expected


def test_a_parcel_is_one_fact_by_event_and_by_poll() -> None:
    told = read(event("order.shipped", shipment_id="sh_1", **PARCEL))

    assert polled("shipped", **SENT) == [(told.kind, told.event_id)]


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (event("order.shipped"), "The warehouse's event lacks data.shipment_id."),
        (event("order.picked", reference=None), "The warehouse's event lacks data.reference."),
        ({"type": "order.picked"}, "The warehouse's event can't be read: data is missing."),
        (
            event("order.picked", lines=[{"line": "1", "quantity": -1}]),
            "The warehouse's event can't be read: "
            "data.lines[0].quantity is not a quantity between 0 and 1000000.",
        ),
        (event("stock.counted", sku="X"), "The warehouse's event lacks data.warehouse."),
    ],
)
def test_refuses_by_the_name_of_the_field(payload: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MappingFailed) as caught:
        Warehouse().read(payload["type"], payload)

    assert str(caught.value) == sentence


def test_refuses_a_status_it_does_not_know() -> None:
    with pytest.raises(MappingFailed, match="status is 'lost'"):
        polled("lost")


def test_leaves_an_unknown_topic_unread_by_name() -> None:
    assert Warehouse().read("order.teleported", {}).ignored == "unknown topic order.teleported"


@pytest.mark.parametrize(
    ("body", "lane", "topic"),
    [
        (
            b'{"type":"order.picked","occurred_at":"2026-11-20T12:00:00Z",'
            b'"data":{"reference":"shopify-de-17-F12"}}',
            "order:shopify-de-17",
            "order.picked",
        ),
        (
            b'{"type":"stock.counted","data":{"warehouse":"BERLIN","sku":"MUG"}}',
            "stock:BERLIN:MUG",
            "stock.counted",
        ),
        (b'{"type":"x","data":{}}', "event:evt_9", "x"),
        (b"{", "event:evt_9", "unreadable"),
        (b"[]", "event:evt_9", "unreadable"),
        (b"", "event:evt_9", "unreadable"),
    ],
)
def test_events_of_one_order_share_its_lane(body: bytes, lane: str, topic: str) -> None:
    envelope = Warehouse().open({"webhook-id": "evt_9"}, body)

    assert (envelope.lane, envelope.topic, envelope.key) == (lane, topic, "evt_9")


@given(st.binary(max_size=100) | st.text(max_size=50).map(lambda text: text.encode()))
def test_opening_never_fails(body: bytes) -> None:
    assert Warehouse().open({}, body).key


RELEASE: dict[str, Any] = {
    "reference": REFERENCE,
    "order_number": "#1017",
    "location": "BLN",
    "shipping_method": "standard",
    "ship_to": {"name": "", "company": "Vogel & Co", "line1": "Am Markt 1", "city": "Berlin"},
    "lines": [{"reference": "order:5:64", "sku": "MUG-BLUE", "quantity": 2}],
}


def test_asks_for_an_outbound_order_in_the_warehouses_words() -> None:
    codes = Codes(
        {
            ("LOCATION", "BLN"): "BERLIN",
            ("SKU", "MUG-BLUE"): "4711",
            ("SHIPPING_METHOD", "standard"): "STANDARD",
        }
    )

    assert write_outbound_order(RELEASE, codes) == {
        "reference": REFERENCE,
        "warehouse": "BERLIN",
        "service": "STANDARD",
        "ship_to": {"name": "Vogel & Co", "line1": "Am Markt 1", "city": "Berlin"},
        "lines": [{"line": "order:5:64", "sku": "4711", "quantity": 2}],
    }


def test_leaves_the_service_to_the_warehouse_where_the_order_names_none() -> None:
    assert "service" not in write_outbound_order(RELEASE | {"shipping_method": ""}, Codes())
