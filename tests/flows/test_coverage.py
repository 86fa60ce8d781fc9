"""What the shop never told us is found in its own list, fetched, counted, and nothing else is."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from connectors.models import Connection, Cursor, InboundMessage, MissedOrder
from connectors.services.coverage import GRACE, check_coverage
from connectors.services.poll import poll_due_connections
from exceptions.models import ExceptionCase
from orders.models import Order
from tests.flows.conftest import Estate

pytestmark = pytest.mark.django_db(transaction=True)
# So much later, all that was placed is old enough to be looked at.
LATER = GRACE + timedelta(seconds=2)


@pytest.fixture(autouse=True)
def _is_polled(estate: Estate) -> None:
    Connection.objects.filter(slug="shopify-de").update(poll_seconds=60, rate_per_second=1000)


def names(orders: list[dict[str, Any]]) -> set[str]:
    return {str(order["name"]) for order in orders}


def missed() -> set[str]:
    return set(MissedOrder.objects.values_list("number", flat=True))


def look_again() -> int:
    """Compare turn after turn until the list has been read to its end."""
    found, is_read = 0, False
    while not is_read:
        Cursor.objects.update(due_at=timezone.now())
        found += check_coverage(now=timezone.now() + LATER)
        is_read = not Cursor.objects.get(resource="coverage").position
    return found


def on_record(count: int) -> bool:
    return Order.objects.count() == count


def check_the_lost_are_found(estate: Estate, count: int, lost: int) -> None:
    """Place orders, of which the shop keeps some to itself, here and there among the others."""
    estate.control("wms", "progress", received_s=3_600)  # what nodes tell is another story
    silent, step = [], count // lost
    for _ in range(lost):
        estate.place(step - 1)
        silent += estate.place(1, topics=[])
    told = count - lost * step
    if told:
        estate.place(told)
    estate.work_until(lambda: on_record(count - lost), patience=count)

    assert look_again() == lost

    assert missed() == names(silent)
    estate.work_until(lambda: on_record(count), patience=count)
    cases = ExceptionCase.objects.filter(code="connectors.missing")
    assert set(cases.values_list("order_number", flat=True)) == names(silent)
    assert set(cases.values_list("state", "resolution")) == {("RESOLVED", "by itself")}
    assert ExceptionCase.objects.count() == lost
    assert look_again() == 0


@pytest.mark.slow
def test_seven_of_two_hundred_orders_that_were_never_told_are_found(estate: Estate) -> None:
    check_the_lost_are_found(estate, 200, 7)


@pytest.mark.slow
@pytest.mark.skipif("RUN_LONG" not in os.environ, reason="takes minutes: set RUN_LONG=1")
def test_seven_of_a_thousand_orders_that_were_never_told_are_found(estate: Estate) -> None:
    check_the_lost_are_found(estate, 1_000, 7)


def test_what_polling_healed_in_silence_is_counted_all_the_same(estate: Estate) -> None:
    silent = estate.place(2, topics=[])
    poll_due_connections(now=timezone.now())
    estate.work_until(lambda: on_record(2))
    assert not ExceptionCase.objects.exists()  # healed, and nobody would ever know

    assert check_coverage(now=timezone.now() + LATER) == 2

    assert missed() == names(silent)
    assert InboundMessage.objects.filter(topic="orders/updated").count() == 2  # fetched once
    cases = ExceptionCase.objects.values_list("state", "title")
    assert {state for state, _ in cases} == {"RESOLVED"}
    for title in (title for _, title in cases):
        assert title.endswith(" was never told to us by Shopify DE; we fetched it 2 min later")


def test_a_webhook_that_is_merely_behind_is_no_loss(estate: Estate) -> None:
    estate.control("shop", "webhooks", is_paused=True)
    estate.place(3)

    assert check_coverage(now=timezone.now()) == 0
    estate.control("shop", "webhooks", is_paused=False)
    estate.work_until(lambda: on_record(3))

    assert look_again() == 0
    assert not MissedOrder.objects.exists()
    assert not ExceptionCase.objects.exists()


def test_what_is_told_after_all_is_kept_as_told_late(estate: Estate) -> None:
    estate.control("shop", "webhooks", is_paused=True)
    estate.place(1)
    assert check_coverage(now=timezone.now() + LATER) == 1

    estate.control("shop", "webhooks", is_paused=False)
    told = InboundMessage.objects.filter(topic="orders/create").exclude(finished_at=None)
    estate.work_until(told.exists)
    assert look_again() == 0

    assert MissedOrder.objects.get().told_at is not None
    assert Order.objects.count() == 1


def test_an_order_that_waits_for_a_mapping_is_no_loss(estate: Estate) -> None:
    """Told, and polled beside it: of its snapshots only the newest waits, in our own name."""
    estate.place(1, mix={"unknown_sku": 1})
    parked = InboundMessage.objects.filter(state="PARKED")
    estate.work_until(parked.exists)
    poll_due_connections(now=timezone.now())
    estate.work_until(lambda: not InboundMessage.objects.filter(state="RECEIVED").exists())

    assert check_coverage(now=timezone.now() + LATER) == 0

    assert not MissedOrder.objects.exists()


def test_what_was_placed_before_we_were_connected_is_no_loss(estate: Estate) -> None:
    estate.place(1, topics=[])
    with database.cursor() as cursor:
        cursor.execute("UPDATE connectors_connection SET created_at = now() + interval '2 seconds'")

    assert check_coverage(now=timezone.now() + LATER + timedelta(seconds=1)) == 0


def test_lists_longer_than_a_page_are_read_to_their_end(estate: Estate) -> None:
    estate.place(251, topics=[])

    assert look_again() == 251

    assert MissedOrder.objects.count() == 251
    cursor = Cursor.objects.get(resource="coverage")
    assert (cursor.position, cursor.began_at) == ("", None)
