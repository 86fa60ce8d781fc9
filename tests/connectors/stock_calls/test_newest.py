"""Numbers to tell become calls: one per channel at a time, with the newest of each."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connectors.drains import drain_outbox, drain_stock
from connectors.models import OutboundMessage
from connectors.services.owe_stock import owe_stock
from exceptions.models import ExceptionCase
from inventory.models import ChannelOffer, Item, Publication, StockSignal
from inventory.services import publish
from tests.conftest import Change, Stock
from tests.connectors.stock_calls.calls import calls, states
from tests.connectors.stock_calls.conftest import Market
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_change_reaches_the_channel_and_is_known_to_be_there(
    market: Market, change: Change
) -> None:
    change("MUG", 7)

    drain_stock()
    drain_outbox()

    assert market.calls == [{"MUG": 7}]
    offer = ChannelOffer.objects.get()
    assert (offer.published_quantity, states()) == (7, [(7, "SENT")])
    assert not ExceptionCase.objects.exists()


def test_a_burst_of_changes_costs_one_call(market: Market, change: Change) -> None:
    for quantity in range(30, 0, -1):
        change("MUG", quantity)
        drain_stock()

    drain_outbox()

    assert market.calls == [{"MUG": 1}]
    assert calls("READY", "SENDING") == 0
    assert [state for _, state in states()].count("SENT") == 1


def test_while_a_call_is_out_newer_numbers_wait_and_go_together(
    market: Market, change: Change
) -> None:
    change("MUG", 9)
    drain_stock()
    OutboundMessage.objects.update(state="SENDING", lease_token=1)

    for quantity in (8, 7, 6):
        change("MUG", quantity)
        change("PLATE", quantity)
        drain_stock()

    assert OutboundMessage.objects.count() == 1
    OutboundMessage.objects.update(state="READY")
    drain_outbox()
    drain_stock()
    drain_outbox()
    # The worker's call was put back: it is replaced, or goes out and is followed by the newest.
    assert market.calls[-1] == {"MUG": 6, "PLATE": 6}
    assert set(ChannelOffer.objects.values_list("published_quantity", flat=True)) == {6}


def test_numbers_go_in_calls_of_the_size_the_channel_takes(market: Market, change: Change) -> None:
    market.batch = 2
    for number in range(5):
        change(f"S{number}", 3)

    for _ in range(3):
        drain_stock()
        drain_outbox()

    assert [len(call) for call in market.calls] == [2, 2, 1]


def test_what_is_decided_is_owed_with_it_or_neither_happened(
    market: Market, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    change("MUG", 7)

    def die(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(publish, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            drain_stock()

    assert Publication.objects.count() == OutboundMessage.objects.count() == 0
    assert StockSignal.objects.count() == 2
    drain_stock()
    assert Publication.objects.count() == OutboundMessage.objects.count() == 1


def test_workers_that_send_while_others_decide_end_with_the_newest_number(
    market: Market, change: Change, stock: Stock
) -> None:
    levels = [stock(f"S{n}", 100) for n in range(4)]
    drain_stock()
    drain_outbox()

    def sell() -> None:
        for _ in range(8):
            for level in levels:
                with database.cursor() as cursor:
                    cursor.execute(
                        "WITH sold AS (UPDATE inventory_stocklevel SET on_hand = on_hand - 1"
                        " WHERE id = %s RETURNING item_id)"
                        " INSERT INTO inventory_stocksignal (item_id) SELECT item_id FROM sold",
                        [level.pk],
                    )
            drain_stock()

    def send() -> None:
        for _ in range(12):
            drain_outbox()

    assert at_once([sell, sell, send, send]) == []
    while drain_stock() + drain_outbox():
        pass

    told: dict[str, int] = {}
    for call in market.calls:
        told |= call
    assert told == {f"S{n}": 84 for n in range(4)}
    assert set(ChannelOffer.objects.values_list("published_quantity", flat=True)) == {84}
    assert not Publication.objects.filter(state="OWED").exists()


def test_a_call_asks_the_same_number_of_questions_however_many_numbers_wait(
    market: Market, stock: Stock, now: datetime
) -> None:
    asked = []
    for size in (1, 200):
        items = Item.objects.bulk_create(Item(sku=f"S{size}-{n}") for n in range(size))
        StockSignal.objects.bulk_create(StockSignal(item=item) for item in items)
        with CaptureQueriesContext(database) as questions:
            drain_stock()
        asked.append(len(questions))
        drain_outbox()

    assert asked[0] == asked[1]
    assert owe_stock(now=now) == 0
