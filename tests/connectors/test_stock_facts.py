"""What sources tell of stock: by message, in their codes and units, and only where it is theirs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import CodeMapping, Connection, InboundMessage, SystemOfRecord
from connectors.registry import SOURCES
from connectors.services.codes import save_mapping
from connectors.services.process import process_batch
from connectors.services.receive import Delivery, receive_messages
from connectors.services.snapshots import run_due_snapshots, take_snapshot
from connectors.systems.base import Envelope, SignatureInvalid
from exceptions.candidates import mapping_form_of
from exceptions.models import ExceptionCase
from inventory.ledger import prove_levels
from inventory.models import InTransit, ItemUnit, Location, StockMovement
from tests.conftest import Stock, connect
from tests.inventory.test_count import on_hand

Hear = Callable[..., InboundMessage]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def store(db: None) -> Connection:
    """A system of a store that speaks our own format."""
    return connect("store-berlin", "Store Berlin", "custom", "WAREHOUSE")


@pytest.fixture
def hear(time_passes: Callable[[], None]) -> Hear:
    """Put a message on record and take it to its end."""
    numbers = itertools.count()

    def take(connection: Connection, topic: str, payload: Any) -> InboundMessage:
        key = f"m{next(numbers)}"
        envelope = Envelope(topic=topic, key=key, lane=key)
        body = json.dumps(payload).encode()
        (stored,) = receive_messages(
            [Delivery(connection_id=connection.pk, envelope=envelope, body=body)]
        )
        time_passes()
        process_batch(limit=10, now=timezone.now())
        return InboundMessage.objects.get(pk=stored.message_id)

    return take


def counted(sku: str, quantity: Any, **more: Any) -> dict[str, Any]:
    told = {"sku": sku, "location": "BERLIN", "quantity": quantity, "counted_at": stamp(0)}
    return {"id": f"c-{sku}-{quantity}", "counts": [{**told, **more}]}


def moved(kind: str, quantity: Any, minutes: int = 1, **more: Any) -> dict[str, Any]:
    told = {"kind": kind, "sku": "MUG", "location": "BERLIN", "quantity": quantity}
    row = {**told, "happened_at": stamp(minutes), **more}
    return {"id": f"m-{kind}-{quantity}-{minutes}", "movements": [row]}


def stamp(minutes: int) -> str:
    return (timezone.now() - timedelta(hours=1) + timedelta(minutes=minutes)).isoformat()


def test_movements_of_a_store_reach_its_levels(
    hear: Hear, store: Connection, stock: Stock, hamburg: Location
) -> None:
    mugs, there = stock("MUG", 10), stock("MUG", 0, at="HAMBURG")
    going = {"reference": "T-1", "to_location": "HAMBURG"}

    hear(store, "stock.moved", moved("ADJUSTED", -1, 1, reason="Broken"))
    hear(store, "stock.moved", moved("RECEIVED", 6, 2, reference="PO-1"))
    hear(store, "stock.moved", moved("SOLD", 2, 3))
    hear(store, "stock.moved", moved("RETURNED", 1, 4))
    hear(store, "stock.moved", moved("SET_ASIDE", 3, 5))
    hear(store, "stock.moved", moved("SENT_ON", 4, 6, **going))
    hear(store, "stock.moved", moved("ARRIVED", 4, 7, location="HAMBURG", reference="T-1"))

    mugs.refresh_from_db()
    assert (mugs.on_hand, mugs.allocated, on_hand(there)) == (10, 3, 4)
    lines = StockMovement.objects.filter(source="store-berlin").order_by("pk")
    assert [(m.kind, m.on_hand_change, m.reason) for m in lines] == [
        ("ADJUSTED", -1, "Broken"),
        ("RECEIVED", 6, "PO-1"),
        ("SOLD", -2, ""),
        ("RETURNED", 1, ""),
        ("ALLOCATED", 0, ""),
        ("SENT_ON", -4, "T-1"),
        ("ARRIVED", 4, "T-1"),
    ]
    assert InTransit.objects.get(reference="T-1").received_quantity == 4
    assert set(InboundMessage.objects.values_list("state", flat=True)) == {"PROCESSED"}
    assert prove_levels(most=1).differing == 0


def test_the_same_movement_in_two_messages_happens_once(
    hear: Hear, store: Connection, stock: Stock
) -> None:
    mugs = stock("MUG", 10)
    said = moved("SOLD", 2)

    hear(store, "stock.moved", said)
    hear(store, "stock.moved", said)

    assert on_hand(mugs) == 8


def test_what_is_on_its_way_is_told(hear: Hear, store: Connection, stock: Stock) -> None:
    mugs = stock("MUG", 10)
    row = {"reference": "PO-7", "sku": "MUG", "location": "BERLIN", "quantity": 24}

    hear(store, "stock.in_transit", {"id": "t", "arrivals": [{**row, "expected_at": stamp(90)}]})

    coming = InTransit.objects.get()
    assert (coming.item_id, coming.quantity, coming.source) == (mugs.item_id, 24, "store-berlin")
    assert on_hand(mugs) == 10


def test_events_of_the_warehouse_move_stock(hear: Hear, wms: Connection, stock: Stock) -> None:
    mugs = stock("MUG", 10)

    def event(topic: str, quantity: int, **more: Any) -> None:
        data = {"sku": "MUG", "warehouse": "BERLIN", "quantity": quantity, **more}
        hear(wms, topic, {"id": topic, "type": topic, "occurred_at": stamp(1), "data": data})

    event("stock.adjusted", -3, reason="Water damage")
    event("stock.received", 12, reference="PO-9")

    assert on_hand(mugs) == 19


def test_a_hundred_counts_in_one_message_take_as_many_statements_as_ten(
    store: Connection, stock: Stock, hear: Hear, django_assert_max_num_queries: Any
) -> None:
    levels = [stock(f"ITEM-{n}", 1) for n in range(40)]
    rows = [
        {"sku": f"ITEM-{n}", "location": "BERLIN", "quantity": 5, "counted_at": stamp(0)}
        for n in range(40)
    ]

    with django_assert_max_num_queries(75):
        hear(store, "stock.counted", {"id": "many", "counts": rows})

    assert {on_hand(level) for level in levels} == {5}


# --- Codes and units -----------------------------------------------------------------------------


def test_an_unknown_unit_is_a_mapping_case_with_the_units_we_know(
    hear: Hear, store: Connection, stock: Stock, time_passes: Callable[[], None]
) -> None:
    mugs, plates = stock("MUG", 1), stock("PLATE", 1)
    ItemUnit.objects.create(item_id=mugs.item_id, unit="case", factor=12)

    row = hear(store, "stock.counted", counted("MUG", "2.5", unit="CS"))

    assert (row.state, row.error_code) == ("PARKED", "connectors.mapping_missing")
    case = ExceptionCase.objects.get()
    assert case.title == "Unit “CS” is not mapped for Store Berlin"
    form = mapping_form_of(case)
    assert form is not None
    assert [code for code, _, _ in form.candidates] == ["case", "each"]

    save_mapping(connection_id=store.pk, table="UNIT", external_code="CS", canonical_code="case")
    time_passes()
    process_batch(limit=10, now=timezone.now())
    assert on_hand(mugs) == 30

    # The word is known now, but not how many plates that is.
    row = hear(store, "stock.counted", counted("PLATE", 1, unit="CS"))
    assert (row.state, row.error_code) == ("DEAD", "inventory.unit_unknown")
    row = hear(store, "stock.counted", counted("PLATE", "1.5"))
    assert (row.state, row.error_code) == ("DEAD", "inventory.not_whole")
    assert on_hand(plates) == 1


def test_one_unknown_sku_stops_neither_its_neighbours_nor_a_second_try(
    hear: Hear, store: Connection, stock: Stock, time_passes: Callable[[], None]
) -> None:
    mugs = stock("MUG", 1)
    said = counted("MUG", 7)
    said["counts"] += counted("CUP", 4)["counts"]

    row = hear(store, "stock.counted", said)

    assert (row.state, on_hand(mugs)) == ("PARKED", 7)
    cups = stock("CUP", 0)
    save_mapping(connection_id=store.pk, table="SKU", external_code="CUP", canonical_code="CUP")
    time_passes()
    process_batch(limit=10, now=timezone.now())
    row.refresh_from_db()
    assert (row.state, on_hand(cups), on_hand(mugs)) == ("PROCESSED", 4, 7)


# --- Whose word counts ---------------------------------------------------------------------------


def test_without_a_declaration_the_warehouse_that_serves_the_node_counts(
    hear: Hear, wms: Connection, webshop: Connection, stock: Stock
) -> None:
    mugs, far = stock("MUG", 5), stock("MUG", 5, at="PARIS")

    refused = hear(webshop, "stock.counted", counted("MUG", 9))
    served = hear(webshop, "stock.counted", counted("MUG", 8, location="PARIS"))

    assert (refused.state, on_hand(mugs)) == ("IGNORED", 5)
    assert refused.error_detail == "Not applied: another connection serves BERLIN."
    assert (served.state, on_hand(far)) == ("PROCESSED", 8)
    assert not ExceptionCase.objects.exists()


def test_a_declaration_opens_one_door_and_closes_the_others(
    hear: Hear, wms: Connection, store: Connection, berlin: Location, stock: Stock
) -> None:
    mugs = stock("MUG", 5)
    row = SystemOfRecord.objects.create(location=berlin, connection=store)

    own = hear(store, "stock.counted", counted("MUG", 9))
    event = {"sku": "MUG", "warehouse": "BERLIN", "on_hand": 3}
    told = {"id": "e", "type": "stock.counted", "occurred_at": stamp(5), "data": event}
    other = hear(wms, "stock.counted", told)

    assert (own.state, other.state, on_hand(mugs)) == ("PROCESSED", "IGNORED", 9)
    assert "Store Berlin is the system of record for stock at BERLIN" in other.error_detail

    row.policy = SystemOfRecord.Policy.RAISE
    row.save()
    raised = hear(wms, "stock.counted", {**told, "id": "e2"})
    assert (raised.state, raised.error_code) == ("DEAD", "connectors.not_authoritative")
    title = "WMS Berlin wrote stock at BERLIN, which is not its own to write"
    assert ExceptionCase.objects.get().title == title
    assert on_hand(mugs) == 9
    assert [h.policy for h in row.history.all()] == ["RAISE", "REFUSE"]


def test_a_declaration_for_every_node_gives_way_to_one_for_a_node(
    hear: Hear, store: Connection, webshop: Connection, berlin: Location, stock: Stock
) -> None:
    mugs, far = stock("MUG", 5), stock("MUG", 5, at="PARIS")
    SystemOfRecord.objects.create(connection=webshop)
    SystemOfRecord.objects.create(connection=store, location=berlin)

    hear(webshop, "stock.counted", counted("MUG", 9))
    hear(webshop, "stock.counted", counted("MUG", 8, location="PARIS"))

    assert (on_hand(mugs), on_hand(far)) == (5, 8)


def test_a_file_counts_only_where_it_is_its_senders_to_tell(
    wms: Connection, store: Connection, stock: Stock, now: datetime
) -> None:
    mugs, far = stock("MUG", 5), stock("MUG", 5, at="PARIS")
    body = b"sku,location,quantity\nMUG,BERLIN,9\nMUG,PARIS,9\n"

    run = take_snapshot([body], connection=store, key="k", counted_at=now)
    run_due_snapshots(now=now)

    run.refresh_from_db()
    assert (run.changed, run.rejected) == (1, 1)
    assert run.samples[0]["why"] == "another system counts this location"
    assert (on_hand(mugs), on_hand(far)) == (5, 9)


# --- Square --------------------------------------------------------------------------------------

KEY, ADDRESS = "signature-key", "https://hub.example.com/hooks/store-till/"


def till_event(quantity: str, state: str = "IN_STOCK", event_id: str = "e1") -> dict[str, Any]:
    count = {
        "calculated_at": stamp(1),
        "catalog_object_id": "VARIATION1",
        "catalog_object_type": "ITEM_VARIATION",
        "location_id": "PLACE1",
        "quantity": quantity,
        "state": state,
    }
    data = {"type": "inventory_counts", "id": "x", "object": {"inventory_counts": [count]}}
    return {
        "merchant_id": "M1",
        "type": "inventory.count.updated",
        "event_id": event_id,
        "created_at": stamp(1),
        "data": data,
    }


def signed(body: bytes, address: str = ADDRESS) -> dict[str, str]:
    digest = hmac.new(KEY.encode(), address.encode() + body, hashlib.sha256).digest()
    return {"x-square-hmacsha256-signature": base64.b64encode(digest).decode()}


def test_square_signs_its_address_and_the_body() -> None:
    square, body = SOURCES["square"], b'{"event_id": "e1"}'
    secrets = ["an-older-key https://hub.example.com/old/", f"{KEY} {ADDRESS}"]

    square.verify(signed(body), body, secrets, NOON)

    for headers, text in (
        (signed(body), b'{"event_id": "e2"}'),
        (signed(body, "https://elsewhere.example.com/"), body),
        ({}, body),
    ):
        with pytest.raises(SignatureInvalid):
            square.verify(headers, text, secrets, NOON)


def test_a_count_of_a_till_reaches_the_level_by_its_mapping(hear: Hear, stock: Stock) -> None:
    mugs = stock("MUG", 5)
    till = connect("store-till", "Till Berlin", "square", "WAREHOUSE")
    for table, theirs, ours in (("SKU", "VARIATION1", "MUG"), ("LOCATION", "PLACE1", "BERLIN")):
        CodeMapping.objects.create(
            connection=till, table=table, external_code=theirs, canonical_code=ours
        )

    hear(till, "inventory.count.updated", till_event("12"))
    waste = hear(till, "inventory.count.updated", till_event("3", "WASTE", "e2"))
    other = hear(till, "payment.updated", {"event_id": "e3"})

    assert on_hand(mugs) == 12
    assert (waste.state, waste.error_detail) == ("IGNORED", "No count of what is in stock.")
    assert (other.state, other.error_detail) == (
        "IGNORED",
        "Square's topic payment.updated is not read.",
    )


def test_a_till_that_is_not_mapped_is_a_case(hear: Hear, stock: Stock) -> None:
    stock("MUG", 5)
    till = connect("store-till", "Till Berlin", "square", "WAREHOUSE")

    row = hear(till, "inventory.count.updated", till_event("12"))

    assert (row.state, row.error_context["external_code"]) == ("PARKED", "VARIATION1")
