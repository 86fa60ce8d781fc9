"""A source that fails is asked again, left alone or shown, and harms no other."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from connectors.models import Connection, Cursor
from connectors.services.poll import poll_due_connections
from connectors.systems.http import (
    CredentialsRejected,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
)
from exceptions.models import ExceptionCase
from tests.conftest import connect
from tests.connectors.poll.sources import FakeSource, page


@pytest.mark.parametrize(
    "columns", [{"closed_until": True}, {"health": "SIGN_IN"}], ids=["broken", "sign-in"]
)
def test_what_could_only_fail_is_not_asked(
    source: FakeSource, polled: Connection, now: datetime, columns: dict[str, object]
) -> None:
    later = now + timedelta(minutes=1)
    values = {name: later if value is True else value for name, value in columns.items()}
    Connection.objects.filter(pk=polled.pk).update(**values)

    assert poll_due_connections(now=now) == 0
    assert source.asked == []


def test_failures_with_good_polls_between_them_open_no_breaker(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    for turn in range(24):
        source.script.append(RemoteUnavailable("away") if turn % 2 else page())
        poll_due_connections(now=now + turn * timedelta(seconds=60))

    polled.refresh_from_db()
    assert (len(source.asked), polled.health) == (24, "HEALTHY")


def test_a_source_that_keeps_failing_is_left_alone(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    source.script.extend([RemoteUnavailable("away")] * 12)
    for turn in range(12):
        poll_due_connections(now=now + turn * timedelta(seconds=60))

    polled.refresh_from_db()
    assert (len(source.asked), polled.health) == (10, "DOWN")


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
