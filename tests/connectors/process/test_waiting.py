"""Received -> waiting for something that has a name, and going on when it is there."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from connectors.models import Connection, InboundMessage
from connectors.services.codes import save_mapping
from exceptions.models import ExceptionCase
from inventory.models import Item
from orders.models import Order, Refund
from tests.conftest import Stock
from tests.connectors.door import order_payload
from tests.connectors.outbox import Act
from tests.connectors.process.inbox import Hear, process, refund, state


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
