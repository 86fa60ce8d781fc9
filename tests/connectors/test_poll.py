"""What a lost webhook should have brought comes in all the same, and one source harms no other."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from connectors.models import Connection, Cursor, InboundMessage
from connectors.registry import SOURCES
from connectors.services.poll import poll_due_connections
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import (
    Account,
    Envelope,
    Headers,
    Json,
    PolledMessage,
    PollPage,
    Reading,
)
from connectors.systems.http import (
    CredentialsRejected,
    HttpClient,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
)
from exceptions.models import ExceptionCase
from tests.conftest import connect


class FakeSource:
    """Answers polls as a test scripts them; empty pages after that."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, datetime]] = []
        self.script: deque[PollPage | Exception] = deque()

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """Not asked here."""

    def open(self, headers: Headers, body: bytes) -> Envelope:
        raise NotImplementedError

    def read(self, topic: str, payload: Json) -> Reading:
        return Reading(ignored="polled")

    def poll(self, http: HttpClient, account: Account, cursor: str, since: datetime) -> PollPage:
        self.asked.append((account.slug, cursor, since))
        answer = self.script.popleft() if self.script else page()
        if isinstance(answer, Exception):
            raise answer
        return answer


def page(*keys: str, cursor: str = "") -> PollPage:
    messages = [
        PolledMessage(envelope=Envelope(topic="t", key=key, lane=key), body=key.encode())
        for key in keys
    ]
    return PollPage(messages=messages, cursor=cursor, has_more=bool(cursor))


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    fake = FakeSource()
    monkeypatch.setitem(SOURCES, "fake", fake)
    return fake


@pytest.fixture
def polled(source: FakeSource, db: None) -> Connection:
    return connect("polled", "Polled", "fake", "SHOP", poll_seconds=60)


def test_reads_all_pages_back_to_a_day_ago_and_remembers_how_far(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    source.script.extend([page("a", "b", cursor="p2"), page("c")])

    assert poll_due_connections(now=now) == 1

    overlap = timedelta(minutes=5) + timedelta(seconds=120)
    since = now - timedelta(hours=24) - overlap
    assert source.asked == [("polled", "", since), ("polled", "p2", since)]
    assert set(InboundMessage.objects.values_list("key", flat=True)) == {"a", "b", "c"}
    cursor = Cursor.objects.get()
    assert (cursor.position, cursor.seen_until, cursor.polled_at) == ("", now, now)


def test_asks_again_when_its_time_has_come_with_an_overlap(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    poll_due_connections(now=now)

    assert poll_due_connections(now=now + timedelta(seconds=59)) == 0
    assert poll_due_connections(now=now + timedelta(seconds=60)) == 1

    assert source.asked[1][2] == now - timedelta(minutes=5) - timedelta(seconds=120)


def test_what_a_webhook_brought_before_is_a_duplicate(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    envelope = Envelope(topic="t", key="a", lane="a")
    receive_messages([Delivery(connection_id=polled.pk, envelope=envelope, body=b"a")])
    source.script.append(page("a"))

    poll_due_connections(now=now)

    assert InboundMessage.objects.count() == 1


def test_a_failure_half_way_keeps_the_window(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    source.script.extend([page("a", cursor="p2"), RemoteUnavailable("away")])

    poll_due_connections(now=now)

    cursor = Cursor.objects.get()
    assert (cursor.seen_until, cursor.position) == (now - timedelta(hours=24), "p2")
    poll_due_connections(now=now + timedelta(seconds=60))
    assert [cursor for _, cursor, _ in source.asked] == ["", "p2", "p2"]


def test_a_place_that_the_system_forgot_is_not_asked_for_again(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    source.script.extend([page("a", cursor="p2"), RemoteRejected("unknown cursor")])

    poll_due_connections(now=now)
    poll_due_connections(now=now + timedelta(seconds=60))

    assert [cursor for _, cursor, _ in source.asked] == ["", "p2", ""]


def test_a_rejected_sign_in_is_a_case_at_once(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    source.script.append(CredentialsRejected("who are you"))

    poll_due_connections(now=now)

    polled.refresh_from_db()
    assert polled.health == "SIGN_IN"
    assert ExceptionCase.objects.get().code == "connectors.credentials_rejected"


def test_being_slowed_down_is_no_failure(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    for turn in range(12):
        source.script.append(RemoteThrottled("slow down"))
        poll_due_connections(now=now + turn * timedelta(seconds=60))

    polled.refresh_from_db()
    assert (polled.health, polled.breaker_trips) == ("HEALTHY", 0)


def test_one_source_that_trips_over_a_bug_of_ours_keeps_no_other_from_being_asked(
    source: FakeSource, polled: Connection, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    connect("another", "Another", "fake", "SHOP", poll_seconds=60)
    connect("nothing", "Nothing", "no such system", "SHOP", poll_seconds=60)
    source.script.append(KeyError("id"))

    assert poll_due_connections(now=now) == 3

    assert [slug for slug, _, _ in source.asked] == ["polled", "another"]
    assert "polling polled failed" in caplog.text
    assert "polling nothing failed" in caplog.text
    assert poll_due_connections(now=now) == 0


@pytest.mark.parametrize("column", ["is_active", "poll_seconds", "inbound_paused_at"])
def test_who_is_not_to_be_asked_is_not_asked(
    source: FakeSource, polled: Connection, now: datetime, column: str
) -> None:
    value = {"is_active": False, "poll_seconds": 0, "inbound_paused_at": now}[column]
    Connection.objects.filter(pk=polled.pk).update(**{column: value})

    assert poll_due_connections(now=now) == 0
    assert source.asked == []
