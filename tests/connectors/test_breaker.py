"""A system that is paused or down is left alone until it answers again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from connectors.models import Connection
from connectors.services import deliver as deliver_service
from connectors.services import probe
from connectors.services.pause import pause_connection, resume_connection
from connectors.systems.http import RemoteRejected, RemoteUnavailable
from exceptions.models import ExceptionCase
from exceptions.services.incidents import settle_incidents
from tests.connectors.conftest import Owe
from tests.connectors.outbox import Act, Turn, state
from tests.connectors.sinks import FakeSink


def test_a_paused_connection_keeps_what_it_owes(
    owe: Owe, sink: FakeSink, deliver: Turn, target: Connection, now: datetime
) -> None:
    owe()
    pause_connection(connection_id=target.pk, reason="stocktaking", now=now)
    assert deliver() == 0

    resume_connection(connection_id=target.pk, now=now)

    assert deliver() == 1
    assert sink.sent == ["order.post:R1"]


def test_ten_failures_in_a_row_open_the_breaker_and_a_probe_closes_it(
    owe: Owe, sink: FakeSink, deliver: Turn, target: Connection, time_passes: Act
) -> None:
    rows = [owe(f"R{n}") for n in range(12)]
    sink.will_answer(*[RemoteUnavailable("away")] * 12)
    deliver()
    target.refresh_from_db()
    assert (target.health, target.breaker_trips) == ("DOWN", 1)
    assert target.closed_until is not None
    case = ExceptionCase.objects.get()
    assert (case.code, case.state) == ("connectors.connection_down", "NEW")

    time_passes()
    assert deliver() == 0
    assert probe.probe_open_breakers(now=timezone.now()) == 0
    assert sink.probed == 0

    sink.will_fail_probes(RemoteUnavailable("still away"))
    assert probe.probe_open_breakers(now=target.closed_until) == 1
    target.refresh_from_db()
    assert (target.health, target.breaker_trips) == ("DOWN", 2)
    assert deliver() == 0

    assert target.closed_until is not None
    assert probe.probe_open_breakers(now=target.closed_until) == 1
    target.refresh_from_db()
    assert (target.health, target.breaker_trips) == ("HEALTHY", 0)
    assert Connection.objects.get(pk=target.pk).closed_until is None
    assert deliver() == 12
    assert {state(row) for row in rows} == {"SENT"}
    assert settle_incidents(now=timezone.now()) == 1
    case.refresh_from_db()
    assert (case.state, case.resolution) == ("RESOLVED", "by itself")
    assert case.events.latest("pk").text == "12 effects waited: 12 sent."


def test_what_fails_together_opens_the_breaker_once(
    owe: Owe, sink: FakeSink, deliver: Turn, target: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver_service, "GATHER_SECONDS", 0.0)  # settled in many small parts
    for number in range(32):
        owe(f"R{number}")
    sink.will_answer(*[RemoteUnavailable("away")] * 32)

    assert deliver() == 32

    target.refresh_from_db()
    assert (target.health, target.breaker_trips) == ("DOWN", 1)


def test_refusals_do_not_open_the_breaker(
    owe: Owe, sink: FakeSink, deliver: Turn, target: Connection
) -> None:
    for number in range(12):
        owe(f"R{number}")
    sink.will_answer(*[RemoteRejected("no")] * 12)

    deliver()

    target.refresh_from_db()
    assert (target.health, target.closed_until) == ("HEALTHY", None)


def test_the_breaker_stays_open_longer_each_time_but_never_more_than_ten_minutes(
    target: Connection, sink: FakeSink, now: datetime
) -> None:
    Connection.objects.filter(pk=target.pk).update(closed_until=now, health="DOWN", breaker_trips=1)
    waits = []

    for _ in range(7):
        target.refresh_from_db()
        assert target.closed_until is not None
        at = target.closed_until
        sink.will_fail_probes(RemoteUnavailable("away"))
        probe.probe_open_breakers(now=at)
        target.refresh_from_db()
        waits.append((target.closed_until - at).total_seconds())

    assert waits == [60, 120, 240, 480, 600, 600, 600]


def test_testing_a_connection_that_works_closes_its_breaker(
    target: Connection, sink: FakeSink, now: datetime
) -> None:
    Connection.objects.filter(pk=target.pk).update(
        closed_until=now + timedelta(hours=1), health="DOWN", breaker_trips=3
    )

    checks = probe.test_connection(connection_id=target.pk, now=now)

    assert [(check.name, check.passed) for check in checks] == [("Status", True)]
    target.refresh_from_db()
    assert (target.health, target.closed_until) == ("HEALTHY", None)
    assert target.test_result is not None
    assert target.test_result["passed"] is True
