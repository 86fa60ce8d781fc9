"""Received -> a good end, or waiting for something that has a name. Nothing disappears."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import Connection, InboundMessage
from connectors.services.codes import save_mapping
from connectors.services.process import process_batch
from connectors.services.receive import Delivery, receive_messages
from connectors.services.replay import replay_inbound, set_aside_inbound
from connectors.systems.base import Envelope
from exceptions.models import ExceptionCase
from inventory.models import Item, Location, StockLevel
from orders.models import Order, Refund
from tests.conftest import Stock
from tests.connectors.door import order_payload

Act = Callable[[], None]


@pytest.fixture
def hear(webshop: Connection, time_passes: Act) -> Callable[..., InboundMessage]:
    """Put a message of the web shop on record."""
    numbers = itertools.count()

    def take(payload: Any, topic: str = "order.placed", **more: Any) -> InboundMessage:
        key = more.get("key", f"message {next(numbers)}")
        connection = more.get("connection", webshop)
        lane = more.get("lane", f"order:{payload.get('id')}")
        envelope = Envelope(topic=topic, key=key, lane=lane)
        body = json.dumps(payload).encode()
        (stored,) = receive_messages(
            [Delivery(connection_id=connection.pk, envelope=envelope, body=body)]
        )
        time_passes()
        return InboundMessage.objects.get(pk=stored.message_id)

    return take


Hear = Callable[..., InboundMessage]


def process(limit: int = 100) -> int:
    return process_batch(limit=limit, now=timezone.now())


def state(row: InboundMessage) -> str:
    row.refresh_from_db()
    return row.state


def test_an_order_comes_on_record(hear: Hear, stock: Stock, webshop: Connection) -> None:
    stock("MUG", 5)
    row = hear(order_payload())

    assert process() == 1
    assert process() == 0

    assert (state(row), row.error_code, row.lease_until) == ("PROCESSED", "", None)
    order = Order.objects.get()
    assert (order.reference, order.trace_id) == ("webshop-A-1", row.trace_id)
    assert not ExceptionCase.objects.exists()


def test_an_unknown_sku_waits_for_its_row_and_goes_on_when_it_is_saved(
    hear: Hear, stock: Stock, webshop: Connection, now: datetime, time_passes: Act
) -> None:
    stock("MUG", 5)
    lines = [{"id": "1", "sku": "TASSE", "quantity": 1, "unit_price": "10.00"}]
    row = hear(order_payload(lines=lines))

    process()

    assert (state(row), row.error_code) == ("PARKED", "connectors.mapping_missing")
    case = ExceptionCase.objects.get()
    assert case.title == "SKU “TASSE” is not mapped for Own web shop"
    assert (case.order_number, case.value, case.currency) == ("A-1", Decimal(10), "EUR")
    time_passes()
    assert process() == 0  # nothing is tried until the row is there

    save_mapping(
        connection_id=webshop.pk,
        table="SKU",
        external_code="TASSE",
        canonical_code="MUG",
    )
    time_passes()
    process()

    assert state(row) == "PROCESSED"
    assert Order.objects.get().lines.get().item == Item.objects.get(sku="MUG")
    case.refresh_from_db()
    assert (case.state, case.resolution) == ("RESOLVED", "by itself")


def test_a_row_that_maps_to_nothing_we_have_says_so_again(
    hear: Hear, webshop: Connection, now: datetime, time_passes: Act
) -> None:
    row = hear(order_payload())
    process()

    save_mapping(
        connection_id=webshop.pk,
        table="SKU",
        external_code="MUG",
        canonical_code="NOWHERE",
    )
    time_passes()
    process()

    assert state(row) == "PARKED"
    assert ExceptionCase.objects.get().state == "NEW"


def refund(**more: Any) -> dict[str, Any]:
    said = {"id": "r1", "order_id": "A-1", "amount": "4.00", "currency": "EUR"}
    return {**said, "refunded_at": "2026-11-20T10:00:00Z", **more}


def test_a_refund_that_comes_before_its_order_is_parked_and_freed(
    hear: Hear, stock: Stock, time_passes: Act
) -> None:
    stock("MUG", 5)
    early = hear(refund(), "refund.created", lane="refund:r1")
    process()
    assert (state(early), early.error_code) == ("PARKED", "connectors.parent_missing")
    assert not ExceptionCase.objects.exists()

    hear(order_payload())
    process()
    time_passes()
    process()

    assert state(early) == "PROCESSED"
    assert Refund.objects.get().amount == 4


def test_after_the_deadline_a_person_is_asked_once_and_it_goes_on_waiting(
    hear: Hear, time_passes: Act
) -> None:
    row = hear(refund(), "refund.created")
    process()
    InboundMessage.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))

    for _ in range(3):
        time_passes()
        assert process() == 1

    assert state(row) == "PARKED"
    case = ExceptionCase.objects.get()
    assert (case.code, case.version) == ("connectors.parent_missing", 1)
    assert row.deadline_at is not None
    assert row.deadline_at > timezone.now() + timedelta(hours=23)


def test_who_takes_it_again_is_told_at_once_that_it_still_waits(
    hear: Hear, now: datetime, time_passes: Act
) -> None:
    row = hear(refund(), "refund.created")
    process()

    assert replay_inbound(message_id=row.pk, now=now)
    time_passes()
    process()

    assert state(row) == "PARKED"
    assert ExceptionCase.objects.get().code == "connectors.parent_missing"


def test_a_corrected_body_is_applied_and_the_original_stays(
    hear: Hear, stock: Stock, now: datetime, time_passes: Act
) -> None:
    stock("MUG", 5)
    row = hear(order_payload(total="ten"))
    process()
    assert state(row) == "DEAD"

    replay_inbound(message_id=row.pk, now=now, edited_body=json.dumps(order_payload()).encode())
    time_passes()
    process()

    assert state(row) == "PROCESSED"
    assert b'"ten"' in bytes(row.body)
    assert Order.objects.get().total == 10
    assert ExceptionCase.objects.get().state == "RESOLVED"


def test_a_conflicting_body_waits_for_a_person_and_is_applied_only_by_replay(
    hear: Hear, stock: Stock, now: datetime, time_passes: Act
) -> None:
    stock("MUG", 5)
    hear(order_payload(), key="k")
    changed = hear(order_payload(updated_at="2026-11-21T00:00:00Z", note="2"), key="k")
    process()
    process()
    rows = InboundMessage.objects.order_by("pk")
    assert [row.state for row in rows] == ["PROCESSED", "DEAD"]
    assert changed.pk == rows[1].pk or rows[1].is_conflict_of_id == rows[0].pk

    replay_inbound(message_id=rows[1].pk, now=now)
    time_passes()
    process()

    assert Order.objects.get().note == "2"


def test_a_message_that_was_set_aside_is_tried_no_more(
    hear: Hear, now: datetime, time_passes: Act
) -> None:
    row = hear(refund(), "refund.created")
    process()

    assert set_aside_inbound(message_id=row.pk, now=now)
    assert not set_aside_inbound(message_id=row.pk, now=now)
    time_passes()

    assert process() == 0
    assert state(row) == "IGNORED"
    assert not replay_inbound(message_id=row.pk, now=now)


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
