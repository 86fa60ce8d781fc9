"""A channel that is paused, slow, away or says no gets the newest number in the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.utils import timezone

from connectors.drains import drain_outbox, drain_stock
from connectors.events import Refusal
from connectors.models import Connection, OutboundMessage
from connectors.services.replay import replay_outbound
from connectors.systems.base import Receipt
from connectors.systems.http import RemoteRejected, RemoteThrottled, RemoteUnavailable
from exceptions.models import ExceptionCase
from exceptions.services.replay import replay_case
from inventory.models import ChannelOffer, Item, Publication
from tests.conftest import Change
from tests.connectors.stock_calls.calls import calls, states
from tests.connectors.stock_calls.conftest import Market

pytestmark = pytest.mark.django_db(transaction=True)


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
