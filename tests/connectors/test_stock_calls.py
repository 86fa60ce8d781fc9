"""Numbers to tell become calls: one per channel at a time, with the newest of each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connectors import registry
from connectors.drains import drain_outbox, drain_stock
from connectors.events import Refusal
from connectors.models import Connection, OutboundMessage
from connectors.services.owe_stock import owe_stock
from connectors.services.replay import replay_outbound
from connectors.systems.base import Account, Intent, Receipt
from connectors.systems.http import HttpClient, RemoteRejected, RemoteThrottled, RemoteUnavailable
from connectors.systems.stock import Look, Rate
from exceptions.models import ExceptionCase
from exceptions.services.replay import replay_case
from inventory.models import Channel, ChannelOffer, Item, Publication, StockSignal
from inventory.services import publish
from inventory.telling import Mode
from tests.conftest import Stock
from tests.connectors.sinks import FakeSink
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


class Market(FakeSink):
    """A channel that takes stock and remembers the numbers of each call."""

    observed_at_once = 10

    def __init__(self, batch: int = 250) -> None:
        super().__init__()
        self.batch = batch
        self.calls: list[dict[str, int]] = []
        self.shows: dict[str, dict[str, int]] = {}

    def entries_at_once(self, waiting: int) -> int:
        return self.batch

    def rate_of(self, intent: Intent) -> Rate | None:
        return None

    def observe(self, http: HttpClient, account: Account, asked: Look) -> dict[str, dict[str, int]]:
        return {sku: self.shows[sku] for sku in asked.skus if sku in self.shows}

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        self.calls.append({e["sku"]: e["quantity"] for e in intent.payload["entries"]})
        return super().send(http, account, intent)


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, shop: Connection) -> Market:
    """The shop hears one number of each item, on every change."""
    sink = Market()
    monkeypatch.setitem(registry.SINKS, "shopify", sink)
    Channel.objects.filter(connection=shop).update(publish_mode=Mode.CHANGE)
    return sink


Change = Callable[[str, int], None]


@pytest.fixture
def change(stock: Stock) -> Change:
    def to(sku: str, quantity: int) -> None:
        level = stock(sku, 1)
        type(level).objects.filter(pk=level.pk).update(on_hand=quantity)
        StockSignal.objects.create(item_id=level.item_id)

    return to


def states() -> list[tuple[int, str]]:
    return list(Publication.objects.order_by("pk").values_list("quantity", "state"))


def calls(*states: str) -> int:
    return OutboundMessage.objects.filter(state__in=states).count()


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


def test_a_paused_connection_holds_no_old_numbers_and_gets_the_newest(
    market: Market, change: Change, shop: Connection, now: datetime
) -> None:
    Connection.objects.update(outbound_paused_at=now)
    for quantity in (9, 8):
        change("MUG", quantity)
        drain_stock()
    assert OutboundMessage.objects.count() == 0

    Connection.objects.update(outbound_paused_at=None)
    drain_stock()
    drain_outbox()

    assert market.calls == [{"MUG": 8}]


def test_a_call_that_was_told_to_wait_waits_with_the_newest_number(
    market: Market, change: Change, time_passes: Callable[[], None]
) -> None:
    change("MUG", 9)
    market.will_answer(RemoteThrottled("slow down", after=60))
    drain_stock()
    drain_outbox()
    due = OutboundMessage.objects.get(state="READY").next_attempt_at

    change("MUG", 4)
    drain_stock()

    assert OutboundMessage.objects.get(state="READY").next_attempt_at == due
    assert drain_outbox() == 0
    time_passes()
    drain_outbox()
    assert market.calls == [{"MUG": 9}, {"MUG": 4}]
    assert states() == [(9, "SUPERSEDED"), (4, "SENT")]


def test_an_entry_that_is_refused_opens_a_case_and_closes_it_when_it_is_taken(
    market: Market, change: Change
) -> None:
    change("MUG", 7)
    change("TEA", 2)
    drain_stock()
    tea = Publication.objects.get(item__sku="TEA")
    refusal = Refusal(
        publication_id=tea.pk, code="connectors.mapping_missing", detail="SKU TEA is unknown.",
        context={"table": "SKU", "external_code": "TEA"},
    )  # fmt: skip
    market.will_answer(Receipt(external_id="1", refused=[refusal]))

    drain_outbox()

    case = ExceptionCase.objects.get()
    assert (case.state, case.title) == ("NEW", "SKU “TEA” is not mapped for Shopify DE")
    assert states() == [(7, "SENT"), (2, "FAILED")]
    replay_case(case_id=case.pk, actor_id=None, now=timezone.now())
    drain_stock()
    drain_outbox()
    case.refresh_from_db()
    assert (case.state, states()[-1]) == ("RESOLVED", (2, "SENT"))


def test_a_call_that_stops_fails_its_numbers_and_a_replay_sends_the_newest(
    market: Market, change: Change
) -> None:
    change("MUG", 7)
    market.will_answer(RemoteRejected("The shop is closed."))
    drain_stock()
    drain_outbox()
    stopped = OutboundMessage.objects.get()
    assert (stopped.state, states()) == ("DEAD", [(7, "FAILED")])
    level = Item.objects.get(sku="MUG").levels.get()
    type(level).objects.update(on_hand=5)

    assert replay_outbound(message_id=stopped.pk, now=timezone.now())
    drain_stock()
    drain_outbox()

    assert market.calls == [{"MUG": 7}, {"MUG": 5}]
    assert ExceptionCase.objects.get().state == "RESOLVED"


def test_a_stopped_call_blocks_nobody_and_ends_when_its_numbers_are_old(
    market: Market, change: Change
) -> None:
    change("MUG", 7)
    market.will_answer(RemoteRejected("No."))
    drain_stock()
    drain_outbox()
    change("PLATE", 3)
    drain_stock()
    drain_outbox()
    assert calls("DEAD") == 1  # the mug is still not told

    change("MUG", 6)
    drain_stock()
    drain_outbox()

    assert market.calls == [{"MUG": 7}, {"PLATE": 3}, {"MUG": 6}]
    assert (calls("DEAD"), calls("CANCELLED"), calls("SENT")) == (0, 1, 2)
    assert ExceptionCase.objects.get().state == "RESOLVED"


def test_an_outage_ends_with_the_newest_number_only(
    market: Market, change: Change, time_passes: Callable[[], None]
) -> None:
    market.will_answer(*[RemoteUnavailable("away")] * 3)
    for quantity in (9, 8, 7):
        change("MUG", quantity)
        drain_stock()
        time_passes()
        drain_outbox()
    time_passes()
    drain_outbox()

    assert market.calls[-1] == {"MUG": 7}
    assert ChannelOffer.objects.get().published_quantity == 7


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
