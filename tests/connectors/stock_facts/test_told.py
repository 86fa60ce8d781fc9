"""What sources tell of stock moves levels once, in their codes and units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from connectors.models import Connection, InboundMessage
from connectors.services.codes import save_mapping
from connectors.services.process import process_batch
from exceptions.candidates import mapping_form_of
from exceptions.models import ExceptionCase
from inventory.ledger import prove_levels
from inventory.models import InTransit, ItemUnit, Location, StockMovement
from tests.conftest import Stock
from tests.connectors.stock_facts.conftest import Hear
from tests.connectors.stock_facts.told import counted, moved, stamp
from tests.inventory.levels import on_hand


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
