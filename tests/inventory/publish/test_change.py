"""A channel is told of a change once, with the newest number, by its own rules."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import (
    AvailabilityRule,
    Channel,
    ChannelOffer,
    Item,
    Location,
    Publication,
    StockSignal,
)
from inventory.services.publish import publish_stock
from inventory.telling import Mode
from tests.conftest import Stock
from tests.inventory.publish.conftest import Count
from tests.inventory.publish.telling import decide, told
from tests.racing import at_once

R = Publication.Reason
S = Publication.State


def test_a_change_is_told_once_with_its_explanation(
    market: Channel, count: Count, now: datetime
) -> None:
    count("MUG", 7)
    changed_at = StockSignal.objects.order_by("pk").first()

    assert decide(now) == 2  # the shelf was filled, then counted

    (row,) = Publication.objects.all()
    assert (row.quantity, row.nodes, row.reason, row.state) == (7, {}, R.CHANGE, S.OWED)
    assert row.explanation["quantity"] == 7
    assert changed_at is not None
    assert row.changed_at == changed_at.changed_at
    assert ChannelOffer.objects.get().last == row
    assert not StockSignal.objects.exists()
    assert decide(now) == 0


def test_the_same_number_is_not_told_again(market: Channel, count: Count, now: datetime) -> None:
    count("MUG", 7)
    decide(now)
    count("MUG", 7)

    assert decide(now) == 1

    assert told(market) == [("MUG", 7, R.CHANGE, S.OWED)]


def test_a_newer_number_takes_the_place_of_one_that_was_not_sent(
    market: Channel, count: Count, now: datetime
) -> None:
    for quantity in (7, 6, 5):
        count("MUG", quantity)
        decide(now)

    assert [(n, s) for _, n, _, s in told(market)] == [
        (7, S.SUPERSEDED), (6, S.SUPERSEDED), (5, S.OWED),
    ]  # fmt: skip


def test_a_thousand_changes_of_one_item_are_one_decision(
    market: Channel, count: Count, now: datetime
) -> None:
    count("MUG", 7)
    item = Item.objects.get()
    StockSignal.objects.bulk_create(StockSignal(item=item) for _ in range(1000))

    decide(now)

    assert told(market) == [("MUG", 7, R.CHANGE, S.OWED)]


def test_a_channel_that_hears_node_by_node_is_told_of_a_move_between_nodes(
    market: Channel, stock: Stock, hamburg: Location, now: datetime
) -> None:
    Channel.objects.update(publish_by_node=True)
    level, other = stock("MUG", 5), stock("MUG", 3, at="HAMBURG")
    decide(now)
    for row, units in ((level, 4), (other, 4)):
        type(row).objects.filter(pk=row.pk).update(on_hand=units)
        StockSignal.objects.create(item_id=row.item_id)

    decide(now)

    rows = Publication.objects.order_by("pk").values_list("quantity", "nodes")
    assert list(rows) == [(8, {"BERLIN": 5, "HAMBURG": 3}), (8, {"BERLIN": 4, "HAMBURG": 4})]


def test_a_node_that_is_switched_off_is_told_as_nothing_there(
    market: Channel, stock: Stock, hamburg: Location, now: datetime
) -> None:
    Channel.objects.update(publish_by_node=True)
    stock("MUG", 5)
    stock("MUG", 3, at="HAMBURG")
    decide(now)
    Location.objects.filter(pk=hamburg.pk).update(is_active=False)
    StockSignal.objects.create(item=Item.objects.get())

    decide(now)

    newest = Publication.objects.order_by("-pk")[0]
    assert newest.nodes == {"BERLIN": 5, "HAMBURG": 0}


def test_each_channel_hears_by_its_own_rules(market: Channel, count: Count, now: datetime) -> None:
    other = Channel.objects.create(code="other", name="Other", publish_mode=Mode.CHANGE)
    Channel.objects.create(code="deaf", name="Deaf")
    AvailabilityRule.objects.create(knob="BUFFER", value=2, channel=other)

    count("MUG", 7)
    decide(now)

    assert set(Publication.objects.values_list("channel__code", "quantity")) == {
        ("market", 7), ("other", 5),
    }  # fmt: skip


def test_an_item_that_is_not_sold_any_more_is_told_as_none(
    market: Channel, count: Count, now: datetime
) -> None:
    count("MUG", 7)
    decide(now)
    Item.objects.update(is_active=False)
    StockSignal.objects.create(item=Item.objects.get())

    decide(now)

    assert [n for _, n, _, _ in told(market)] == [7, 0]


def test_deciding_asks_the_same_number_of_questions_for_one_item_and_for_many(
    market: Channel, stock: Stock, now: datetime
) -> None:
    for number in range(2):
        Channel.objects.create(code=f"c{number}", name="C", publish_mode=Mode.CHANGE)
    asked = []
    for size in (1, 500):
        items = Item.objects.bulk_create(Item(sku=f"S{size}-{n}") for n in range(size))
        stock(items[0].sku, 3)
        StockSignal.objects.all().delete()
        StockSignal.objects.bulk_create(StockSignal(item=item) for item in items)
        with CaptureQueriesContext(connection) as questions:
            assert publish_stock(limit=1000, now=now) == size
        asked.append(len(questions))

    assert Publication.objects.count() == 3 * 501
    assert asked[0] == asked[1] < 25


@pytest.mark.django_db(transaction=True)
def test_who_decides_at_the_same_moment_ends_with_the_newest_number(
    market: Channel, stock: Stock, now: datetime
) -> None:
    levels = [stock(f"S{n}", 100) for n in range(5)]
    decide(now)

    def sell(index: int) -> None:
        for _ in range(10):
            for level in levels:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "WITH sold AS (UPDATE inventory_stocklevel SET on_hand = on_hand - 1"
                        " WHERE id = %s RETURNING item_id)"
                        " INSERT INTO inventory_stocksignal (item_id) SELECT item_id FROM sold",
                        [level.pk],
                    )
            publish_stock(limit=7, now=now)

    outcomes = at_once([lambda n=n: sell(n) for n in range(4)])  # type: ignore[misc]
    decide(now)

    assert outcomes == []
    assert set(ChannelOffer.objects.values_list("last__quantity", flat=True)) == {60}
    owed = Publication.objects.filter(state=S.OWED)
    assert sorted(owed.values_list("quantity", flat=True)) == [60] * 5
