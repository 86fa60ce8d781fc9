"""A worker that was stopped and wakes up late does no harm, and an answer in hand is not lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpcore
import pytest
from django.db import OperationalError

from connectors.models import Attempt, Connection, OutboundMessage
from connectors.services import deliver, settle
from connectors.services.codes import Codes
from connectors.services.deliver import Answered, Claimed
from connectors.systems.base import Account, Intent, IntentKind, Receipt
from connectors.systems.http import HttpClient, RemoteThrottled
from connectors.systems.network import _left, deadline_in


class CountingSink:
    """Applies everything, and counts."""

    kinds = frozenset(IntentKind)
    repeatable: frozenset[IntentKind] = frozenset()

    def __init__(self) -> None:
        self.calls = 0

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        self.calls += 1
        return Receipt(external_id="1")

    def look_up(self, http: HttpClient, account: Account, intent: Intent) -> Receipt | None:
        self.calls += 1
        return None

    def probe(self, http: HttpClient, account: Account) -> list[tuple[str, str]]:
        return []


def claimed(wms: Connection, sink: CountingSink, *, seconds_left: float) -> Claimed:
    message = OutboundMessage(connection=wms, effect_key="k", trace_id=uuid4())
    intent = Intent(
        kind=IntentKind.RELEASE_FULFILLMENT, effect_key="k", payload={}, trace_id="",
        codes=Codes(wms),
    )  # fmt: skip
    begin_before = time.monotonic() + seconds_left
    return Claimed(
        message, Attempt(message=message), sink, HttpClient("https://x.example"),
        Account(slug="", base_url="", secrets={}), intent, begin_before, begin_before + 20,
    )  # fmt: skip


def test_sends_nothing_when_its_lease_may_be_over(wms: Connection) -> None:
    sink = CountingSink()

    with pytest.raises(RemoteThrottled):
        deliver._look_up_or_send(claimed(wms, sink, seconds_left=-0.01))

    assert sink.calls == 0


def test_sends_while_its_lease_lasts(wms: Connection) -> None:
    sink = CountingSink()

    assert deliver._look_up_or_send(claimed(wms, sink, seconds_left=5)) == (
        Receipt(external_id="1"),
        False,
    )


def test_an_inner_deadline_never_outlives_the_outer_one() -> None:
    with deadline_in(0.0), deadline_in(60), pytest.raises(httpcore.ReadTimeout):
        _left(None, httpcore.ReadTimeout)


@pytest.fixture
def answered(wms: Connection) -> Answered:
    message = OutboundMessage(connection=wms, effect_key="k")
    return Answered(message, Attempt(message=message), Receipt(external_id="1"), None, False, 1)


@pytest.fixture
def fails_at_first(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[Answered]]:
    """Make settling meet the database's trouble so many times; gives back what was settled."""
    monkeypatch.setattr(deliver, "SETTLE_PAUSES", (0.0,) * 5)

    def prepare(times: int) -> list[Answered]:
        settled: list[Answered] = []
        left = iter(range(times))

        def settle_answer(answered: Answered, **_: Any) -> None:
            if next(left, None) is not None:
                raise OperationalError("deadlock detected")
            settled.append(answered)

        monkeypatch.setattr(settle, "settle_answer", settle_answer)
        return settled

    return prepare


def test_an_answer_in_hand_outlives_a_restart_of_the_database(
    answered: Answered, fails_at_first: Callable[[int], list[Answered]]
) -> None:
    settled = fails_at_first(4)

    deliver._settle_patiently(answered)

    assert settled == [answered]


def test_gives_an_answer_up_when_the_database_stays_away(
    answered: Answered, fails_at_first: Callable[[int], list[Answered]]
) -> None:
    settled = fails_at_first(100)

    with pytest.raises(OperationalError):
        deliver._settle_patiently(answered)

    assert settled == []
