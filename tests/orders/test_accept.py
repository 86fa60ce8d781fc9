"""Snapshots come twice, late, and in any order; what is on record is the newest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction

from inventory.models import Channel, Item
from orders.canonical import CanonicalCustomer, CanonicalOrder, CanonicalRefund
from orders.lifecycle import OrderState
from orders.models import Customer, Order, OrderEvent, OrderLine, Refund
from orders.services.accept import Arrival, Outcome, accept_orders
from retailhub.kernel.trace import new_trace_id
from tests.conftest import Accept, Stock, canonical, line
from tests.racing import at_once

MINUTE = timedelta(minutes=1)
CHANGED, ACCEPTED, SUPERSEDED = Outcome.CHANGED, Outcome.ACCEPTED, Outcome.SUPERSEDED


@pytest.fixture
def mug(db: None) -> Item:
    return Item.objects.create(sku="MUG")


@pytest.fixture
def placed(now: datetime) -> CanonicalOrder:
    return canonical("1001", line(quantity=2), placed_at=now - 60 * MINUTE)


def version(said: CanonicalOrder, minutes: int, **more: Any) -> CanonicalOrder:
    return replace(said, version=said.placed_at + minutes * MINUTE, **more)


def bring(channel: Channel, *said: CanonicalOrder, now: datetime) -> Sequence[Outcome]:
    items = dict(Item.objects.values_list("sku", "pk"))
    arrivals = [
        Arrival(channel_id=channel.pk, order=one, item_ids=items, trace_id=new_trace_id())
        for one in said
    ]
    return accept_orders(arrivals, now=now)


def test_puts_a_new_order_on_record(
    channel: Channel, mug: Item, placed: CanonicalOrder, now: datetime
) -> None:
    assert bring(channel, placed, now=now) == [ACCEPTED]

    order = Order.objects.get()
    assert (order.reference, order.number, order.state, order.held_for) == (
        "shopify-de-1001",
        "#1001",
        "ACCEPTED",
        "",
    )
    assert (order.total, order.currency, order.version_at) == (20, "EUR", placed.version)
    assert (order.accepted_at, order.customer_status) == (now, "Received")
    (row,) = order.lines.all()
    assert (row.item, row.quantity, row.unit_price, row.total) == (mug, 2, 10, 20)
    (event,) = order.events.all()
    assert (event.kind, event.text, event.to_state) == (
        "accepted",
        "Order #1001 received",
        "ACCEPTED",
    )


def test_a_newer_snapshot_changes_the_order(
    channel: Channel, mug: Item, placed: CanonicalOrder, now: datetime
) -> None:
    bring(channel, placed, now=now)

    assert bring(channel, version(placed, 1, note="Ring twice"), now=now) == [CHANGED]

    assert Order.objects.get().note == "Ring twice"


@pytest.mark.parametrize("minutes", [0, -1])
def test_a_snapshot_that_is_not_newer_changes_nothing(
    channel: Channel, mug: Item, placed: CanonicalOrder, now: datetime, minutes: int
) -> None:
    bring(channel, placed, now=now)

    assert bring(channel, version(placed, minutes, note="old"), now=now) == [SUPERSEDED]

    assert Order.objects.get().note == ""


def test_an_old_snapshot_may_still_bring_a_refund_we_never_heard_of(
    channel: Channel, mug: Item, placed: CanonicalOrder, now: datetime
) -> None:
    bring(channel, placed, now=now)
    refund = CanonicalRefund(
        order_external_id="1001",
        external_id="r1",
        amount=Decimal(10),
        currency="EUR",
        refunded_at=now,
    )

    assert bring(channel, version(placed, -1, refunds=(refund,)), now=now) == [SUPERSEDED]

    assert Refund.objects.get().external_id == "r1"


def test_twins_in_one_batch_make_one_order(
    channel: Channel, mug: Item, placed: CanonicalOrder, now: datetime
) -> None:
    outcomes = bring(channel, placed, placed, version(placed, 1, note="new"), now=now)

    assert outcomes == [ACCEPTED, SUPERSEDED, CHANGED]
    assert Order.objects.get().note == "new"
    assert OrderLine.objects.count() == OrderEvent.objects.count() == 1


def test_the_journey_of_an_order_begins_with_the_first_of_its_batch(
    channel: Channel, mug: Item, placed: CanonicalOrder, now: datetime
) -> None:
    items = {"MUG": mug.pk}
    arrivals = [
        Arrival(channel_id=channel.pk, order=said, item_ids=items, trace_id=new_trace_id())
        for said in (placed, version(placed, 1))
    ]

    accept_orders(arrivals, now=now)

    assert Order.objects.get().trace_id == arrivals[0].trace_id


def test_every_order_of_versions_ends_the_same(
    channel: Channel, mug: Item, placed: CanonicalOrder, now: datetime
) -> None:
    cancelled = {"cancelled_at": now, "cancel_reason": "customer"}
    said = [
        placed,
        version(placed, 2, financial_status="PENDING"),
        version(placed, 3, note="three", **cancelled),
        version(placed, 4, note="four", **cancelled),
    ]
    ends = set()

    for order_of_news in permutations(said):
        for batches in ([order_of_news], [[one] for one in order_of_news]):
            with transaction.atomic():
                for batch in batches:
                    bring(channel, *batch, now=now)
                row = Order.objects.get()
                ends.add((row.state, row.note, row.financial_status, row.held_for, row.version_at))
                transaction.set_rollback(True)

    assert ends == {("CANCELLED", "four", "PAID", "", said[3].version)}


def test_of_two_snapshots_of_one_second_the_one_told_later_stays(
    channel: Channel, mug: Item, placed: CanonicalOrder, now: datetime
) -> None:
    def arrive(told: int, note: str) -> Outcome:
        arrival = Arrival(
            channel_id=channel.pk,
            order=replace(placed, note=note),
            item_ids={"MUG": mug.pk},
            trace_id=new_trace_id(),
            told_at=placed.version + timedelta(milliseconds=told),
        )
        (outcome,) = accept_orders([arrival], now=now)
        return outcome

    said = [arrive(100, "first"), arrive(300, "third"), arrive(200, "second")]

    assert said == [ACCEPTED, CHANGED, SUPERSEDED]
    assert Order.objects.get().note == "third"


def test_a_clock_that_runs_years_ahead_does_not_freeze_an_order(
    channel: Channel, mug: Item, placed: CanonicalOrder, now: datetime
) -> None:
    bring(channel, version(placed, 10_000_000, note="from the future"), now=now)

    later = replace(placed, version=now + MINUTE, note="true")
    assert bring(channel, later, now=now + 2 * MINUTE) == [CHANGED]
    assert Order.objects.get().note == "true"


@pytest.mark.parametrize(
    ("said", "held_for"),
    [
        ({"financial_status": "PENDING"}, "orders.awaiting_payment"),
        ({"financial_status": ""}, "orders.awaiting_payment"),
        ({"financial_status": "VOIDED"}, "orders.awaiting_payment"),
        ({"financial_status": "AUTHORIZED"}, ""),
        ({"financial_status": "PARTIALLY_REFUNDED"}, ""),
        ({"is_test": True}, "orders.test_order"),
        ({"is_fulfilled": True}, "orders.fulfilled_elsewhere"),
    ],
)
def test_waits_quietly_for_what_is_missing(
    accept: Accept, mug: Item, said: dict[str, Any], held_for: str
) -> None:
    order = accept(canonical("1001", **said))

    assert (order.state, order.held_for) == ("ACCEPTED", held_for)


def test_an_order_that_was_cancelled_before_we_heard_of_it_is_only_recorded(
    accept: Accept, mug: Item, now: datetime
) -> None:
    order = accept(canonical("1001", cancelled_at=now, financial_status="VOIDED"))

    assert (order.state, order.held_for, order.customer_status) == (
        "CANCELLED",
        "",
        "Cancelled",
    )


def test_knows_a_customer_once_per_channel(
    channel: Channel, mug: Item, placed: CanonicalOrder, now: datetime
) -> None:
    buyer = CanonicalCustomer(external_id="77", name="A. B.", email="a@example.com")
    moved = replace(buyer, name="A. C.")

    bring(
        channel,
        replace(placed, customer=buyer),
        replace(canonical("1002"), customer=moved),
        replace(canonical("1003"), customer=CanonicalCustomer(name="nobody")),
        now=now,
    )

    assert Customer.objects.get().name == "A. C."
    customers = Order.objects.order_by("pk").values_list("customer__external_id", flat=True)
    assert list(customers) == ["77", "77", None]


@pytest.mark.django_db(transaction=True)
def test_the_same_order_heard_by_many_workers_at_once_is_one_order(
    channel: Channel, stock: Stock, placed: CanonicalOrder, now: datetime
) -> None:
    stock("MUG", 5)

    at_once([lambda: bring(channel, placed, now=now)] * 6)

    order = Order.objects.get()
    assert (order.state, order.lines.count()) == (OrderState.ACCEPTED, 1)
