"""An effect that may have happened is looked up, and never sent on a guess."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from connectors.models import Connection, OutboundMessage
from connectors.services.deliver import sweep_expired_leases
from connectors.services.pause import resume_connection
from connectors.services.replay import replay_outbound
from connectors.systems.base import Intent, IntentKind, Receipt
from connectors.systems.http import (
    AnswerLost,
    CredentialsRejected,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
)
from exceptions.models import ExceptionCase
from tests.connectors.conftest import Owe
from tests.connectors.outbox import Act, Turn, outcomes, state, waits
from tests.connectors.sinks import FakeSink


class Vanished(BaseException):
    """The process ends here."""


def test_a_lost_answer_waits_until_it_can_be_looked_up(
    owe: Owe, sink: FakeSink, deliver: Turn
) -> None:
    row = owe()
    sink.will_answer(AnswerLost("The answer of target was lost (ReadTimeout)."))

    deliver()

    assert (state(row), row.must_look_up) == ("UNKNOWN", True)
    assert 115 < waits(row) <= 120
    assert not ExceptionCase.objects.exists()


def test_what_is_found_is_not_sent_again(
    owe: Owe, sink: FakeSink, deliver: Turn, time_passes: Act
) -> None:
    row = owe()
    sink.will_answer(AnswerLost("lost"))
    sink.will_find(Receipt(external_id="SO-1"))

    deliver()
    time_passes()
    deliver()

    assert (state(row), row.external_id, row.must_look_up) == ("SENT", "SO-1", False)
    assert outcomes(row) == [("UNKNOWN", False), ("FOUND", True)]
    assert len(sink.sent) == 1


def test_what_is_absent_after_the_settle_time_is_sent(
    owe: Owe, sink: FakeSink, deliver: Turn, time_passes: Act
) -> None:
    row = owe()
    sink.will_answer(AnswerLost("lost"))
    sink.will_find(None)

    deliver()
    time_passes()
    deliver()
    assert (state(row), row.must_look_up) == ("READY", False)
    time_passes()
    deliver()

    assert state(row) == "SENT"
    assert outcomes(row) == [("UNKNOWN", False), ("ABSENT", True), ("SENT", False)]
    assert len(sink.sent) == 2


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (RemoteUnavailable("away"), "UNKNOWN"),
        (RemoteThrottled("slow down"), "UNKNOWN"),
        (AnswerLost("lost"), "UNKNOWN"),
        (ZeroDivisionError(), "UNKNOWN"),
        (RemoteRejected("no such page"), "MANUAL"),
        (CredentialsRejected("who are you"), "READY"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_doubt_stays_doubt_whatever_the_look_up_says(  # noqa: PLR0917 - what it takes
    owe: Owe,
    sink: FakeSink,
    deliver: Turn,
    time_passes: Act,
    target: Connection,
    now: datetime,
    error: Exception,
    after: str,
) -> None:
    row = owe()
    sink.will_answer(AnswerLost("lost"))
    sink.will_find(error, Receipt(external_id="SO-1"))
    deliver()
    time_passes()

    deliver()

    assert (state(row), row.must_look_up) == (after, True)
    resume_connection(connection_id=target.pk, now=now)
    if after == "MANUAL":
        assert replay_outbound(message_id=row.pk, now=now)
    time_passes()
    deliver()
    assert (state(row), row.external_id) == ("SENT", "SO-1")
    assert len(sink.sent) == 1


def test_what_the_system_merges_itself_is_simply_asked_again(
    owe: Owe, sink: FakeSink, deliver: Turn, time_passes: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeSink, "repeatable", frozenset({IntentKind.POST_ORDER}))
    row = owe()
    sink.will_answer(AnswerLost("lost"))

    deliver()

    assert (state(row), row.must_look_up) == ("READY", False)
    time_passes()
    deliver()
    assert state(row) == "SENT"
    assert sink.looked_up == []
    assert outcomes(row) == [("UNKNOWN", False), ("SENT", False)]


def test_a_worker_that_vanished_during_the_call_leaves_doubt(
    owe: Owe,
    sink: FakeSink,
    deliver: Turn,
    leases_expire: Act,
    time_passes: Act,
    now: datetime,
) -> None:
    row = owe()

    def vanish(_: Intent) -> Receipt:
        raise Vanished

    sink.will_answer(vanish)
    with pytest.raises(Vanished):
        deliver()
    assert state(row) == "SENDING"
    assert sweep_expired_leases(now=now) == 0
    leases_expire()

    assert sweep_expired_leases(now=now) == 1

    assert (state(row), row.must_look_up) == ("UNKNOWN", True)
    assert outcomes(row) == [("CRASHED", False)]
    assert deliver() == 0
    sink.will_find(Receipt(external_id="SO-1"))
    time_passes()
    deliver()
    assert (state(row), row.external_id) == ("SENT", "SO-1")


def test_an_effect_in_doubt_until_the_deadline_is_a_persons(
    owe: Owe, sink: FakeSink, deliver: Turn
) -> None:
    row = owe()
    OutboundMessage.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    sink.will_answer(AnswerLost("lost"))

    deliver()

    assert state(row) == "MANUAL"
    assert ExceptionCase.objects.get().code == "connectors.outcome_unknown"


def test_a_bug_of_ours_leaves_doubt_not_a_second_call(
    owe: Owe, sink: FakeSink, deliver: Turn, caplog: pytest.LogCaptureFixture
) -> None:
    row = owe()
    sink.will_answer(KeyError("id"))

    deliver()

    assert (state(row), row.must_look_up) == ("UNKNOWN", True)
    assert row.error_detail == "KeyError: something unforeseen."
    assert "failed unexpectedly" in caplog.text
