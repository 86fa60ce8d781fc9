"""Owed, asked for, answered: each plain answer has one meaning, and no effect happens twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from connectors.models import Attempt, Connection, ExternalReference, OutboundMessage
from connectors.services.replay import replay_outbound
from connectors.systems.base import IntentKind, Receipt
from connectors.systems.http import RemoteRejected, RemoteThrottled, RemoteUnavailable
from exceptions.models import ExceptionCase
from tests.connectors.conftest import Owe
from tests.connectors.outbox import Act, Turn, outcomes, state, waits
from tests.connectors.sinks import FakeSink


def test_an_effect_is_sent_once_and_its_name_there_is_kept(
    owe: Owe, sink: FakeSink, deliver: Turn, target: Connection
) -> None:
    row = owe()
    sink.will_answer(Receipt(external_id="SO-77", request={"a": 1}, response={"b": 2}))

    assert deliver() == 1
    assert deliver() == 0

    assert sink.sent == ["order.post:R1"]
    assert (state(row), row.external_id, row.attempts, row.error_code) == ("SENT", "SO-77", 1, "")
    assert row.finished_at is not None
    assert row.lease_until is None
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.request, attempt.response) == ("SENT", {"a": 1}, {"b": 2})
    assert attempt.finished_at is not None
    reference = ExternalReference.objects.get()
    assert (reference.connection, reference.reference, reference.external_id) == (
        target,
        "R1",
        "SO-77",
    )
    assert not ExceptionCase.objects.exists()


def test_asking_for_the_same_effect_again_owes_nothing_new(
    owe: Owe, sink: FakeSink, deliver: Turn
) -> None:
    row = owe()
    deliver()

    assert owe().pk == row.pk
    assert deliver() == 0
    assert sink.sent == ["order.post:R1"]


def test_a_system_that_cannot_be_reached_is_asked_again_later(
    owe: Owe, sink: FakeSink, deliver: Turn, time_passes: Act
) -> None:
    row = owe()
    sink.will_answer(RemoteUnavailable("target can't be reached: ConnectError"))

    deliver()

    assert state(row) == "READY"
    assert (row.failures, row.error_code) == (1, "connectors.remote_unavailable")
    assert 0 < waits(row) <= 2
    assert deliver() == 0
    time_passes()
    deliver()
    assert state(row) == "SENT"
    assert outcomes(row) == [("LATER", False), ("SENT", False)]


def test_the_vendors_own_wait_is_honoured(owe: Owe, sink: FakeSink, deliver: Turn) -> None:
    row = owe()
    sink.will_answer(RemoteUnavailable("busy", after=77))

    deliver()

    assert 75 < waits(row) <= 77


def test_being_slowed_down_uses_up_nothing(
    owe: Owe, sink: FakeSink, deliver: Turn, time_passes: Act, target: Connection
) -> None:
    row = owe()
    sink.will_answer(*[RemoteThrottled("slow down", after=3)] * 12)

    for _ in range(12):
        deliver()
        assert state(row) == "READY"
        time_passes()

    assert row.failures == 0
    target.refresh_from_db()
    assert (target.health, target.closed_until) == ("HEALTHY", None)
    deliver()
    assert state(row) == "SENT"


def test_after_the_deadline_money_asks_for_a_person(
    owe: Owe, sink: FakeSink, deliver: Turn
) -> None:
    row = owe()
    OutboundMessage.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    sink.will_answer(RemoteUnavailable("away"))

    deliver()

    assert state(row) == "MANUAL"
    case = ExceptionCase.objects.get()
    assert (case.outbound, case.detail) == (row, "Tried until the deadline. away")


def test_after_the_deadline_a_number_that_will_come_again_is_dead(
    owe: Owe, sink: FakeSink, deliver: Turn
) -> None:
    row = owe(kind=IntentKind.PUBLISH_STOCK)
    OutboundMessage.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    sink.will_answer(RemoteUnavailable("away"))

    deliver()

    assert state(row) == "DEAD"


def test_a_replay_keeps_the_effect_key_and_makes_no_second_row(
    owe: Owe, sink: FakeSink, deliver: Turn, now: datetime
) -> None:
    row = owe()
    sink.will_answer(RemoteRejected("no"))
    deliver()

    assert replay_outbound(message_id=row.pk, now=now)
    assert not replay_outbound(message_id=row.pk, now=now)
    OutboundMessage.objects.update(next_attempt_at=now - timedelta(hours=1))
    deliver()

    assert sink.sent == ["order.post:R1", "order.post:R1"]
    assert (state(row), row.generation) == ("SENT", 1)
    assert OutboundMessage.objects.count() == 1
    assert ExceptionCase.objects.get().state == "RESOLVED"


@pytest.mark.parametrize("at", ["READY", "SENDING", "UNKNOWN", "SENT"])
def test_what_is_under_way_or_done_is_not_replayed(owe: Owe, now: datetime, at: str) -> None:
    row = owe()
    path = {"READY": [], "SENDING": ["SENDING"], "UNKNOWN": ["SENDING", "UNKNOWN"],
            "SENT": ["SENDING", "SENT"]}[at]  # fmt: skip
    for step in path:
        OutboundMessage.objects.filter(pk=row.pk).update(state=step)

    assert not replay_outbound(message_id=row.pk, now=now)
    assert state(row) == at
