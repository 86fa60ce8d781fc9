"""Received -> a good end, lane by lane, and one message harms no other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from connectors.models import Connection
from exceptions.models import ExceptionCase
from inventory.models import Location, StockLevel
from orders.models import Order
from tests.conftest import Stock
from tests.connectors.door import order_payload
from tests.connectors.process.inbox import Hear, process, state


def test_an_order_comes_on_record(hear: Hear, stock: Stock, webshop: Connection) -> None:
    stock("MUG", 5)
    row = hear(order_payload())

    assert process() == 1
    assert process() == 0

    assert (state(row), row.error_code, row.lease_until) == ("PROCESSED", "", None)
    order = Order.objects.get()
    assert (order.reference, order.trace_id) == ("webshop-A-1", row.trace_id)
    assert not ExceptionCase.objects.exists()


def test_a_lane_is_taken_in_its_order_one_at_a_time(hear: Hear, stock: Stock) -> None:
    stock("MUG", 5)
    for number in range(3):
        hear(order_payload(note=str(number), updated_at=f"2026-11-20T1{number}:00:00Z"))

    assert [process(), process(), process(), process()] == [1, 1, 1, 0]
    assert Order.objects.get().note == "2"


def test_one_bad_message_harms_no_other_of_its_batch(hear: Hear, stock: Stock) -> None:
    stock("MUG", 50)
    rows = [
        hear(order_payload("A-1")),
        hear(order_payload("A-2", total="ten")),
        hear(order_payload("A-3", lines=None)),
        hear(order_payload("A-4", nonsense=1)),
        hear(order_payload("A-5")),
    ]

    assert process() == 5

    assert [state(row) for row in rows] == ["PROCESSED", "DEAD", "DEAD", "DEAD", "PROCESSED"]
    assert ExceptionCase.objects.filter(code="connectors.invalid_body").count() == 3


def test_a_shop_without_a_channel_says_what_to_set_up(
    hear: Hear, stock: Stock, webshop: Connection
) -> None:
    stock("MUG", 5)
    Connection.objects.filter(pk=webshop.pk).update(channel=None)
    row = hear(order_payload())

    process()

    assert (state(row), row.error_code) == ("DEAD", "connectors.connection_unusable")


def test_a_paused_connection_takes_messages_in_and_applies_none(
    hear: Hear, stock: Stock, webshop: Connection, now: datetime
) -> None:
    stock("MUG", 5)
    Connection.objects.filter(pk=webshop.pk).update(inbound_paused_at=now)
    row = hear(order_payload())

    assert process() == 0
    Connection.objects.filter(pk=webshop.pk).update(inbound_paused_at=None)
    assert process() == 1
    assert state(row) == "PROCESSED"


def count(quantity: int, at: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"evt-{at}",
        "type": "stock.counted",
        "occurred_at": at,
        "data": {
            "warehouse": "BERLIN",
            "sku": "MUG",
            "on_hand": quantity,
            "counted_at": at,
            **more,
        },
    }


def test_a_count_of_a_fast_clock_does_not_freeze_the_shelf(
    hear: Hear, stock: Stock, wms: Connection, berlin: Location
) -> None:
    mugs = stock("MUG", 5)
    hear(count(9, "2099-01-01T00:00:00Z"), "stock.counted", connection=wms, lane="stock:1")
    process()

    later = timezone.now().isoformat()
    hear(count(7, later), "stock.counted", connection=wms, lane="stock:2")
    process()

    assert StockLevel.objects.get(pk=mugs.pk).on_hand == 7


def test_a_count_of_an_unknown_shelf_waits_for_its_row(
    hear: Hear, stock: Stock, wms: Connection
) -> None:
    stock("MUG", 5)
    said = count(3, "2026-11-20T12:00:00Z", warehouse="MOON")
    row = hear(said, "stock.counted", connection=wms, lane="stock:moon")

    process()

    assert (state(row), row.error_code) == ("PARKED", "connectors.mapping_missing")
    assert ExceptionCase.objects.get().title == "Location “MOON” is not mapped for WMS Berlin"
