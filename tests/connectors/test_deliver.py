"""Owed, asked for, answered: each answer has one meaning, and no effect happens twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from connectors.lifecycle import Criticality
from connectors.models import Attempt, Connection, ExternalReference, OutboundMessage
from connectors.services import deliver as deliver_service
from connectors.services import probe
from connectors.services.deliver import deliver_batch, sweep_expired_leases
from connectors.services.pause import pause_connection, resume_connection
from connectors.services.replay import replay_outbound
from connectors.systems.base import Intent, IntentKind, MappingMissing, Receipt
from connectors.systems.http import (
    AnswerLost,
    CredentialsRejected,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
)
from exceptions.models import ExceptionCase
from exceptions.services.incidents import settle_incidents
from tests.connectors.conftest import Owe
from tests.connectors.sinks import FakeSink

Turn = Callable[[], int]
Act = Callable[[], None]


class Vanished(BaseException):
    """The process ends here."""


def outcomes(row: OutboundMessage) -> list[tuple[str, bool]]:
    journal = Attempt.objects.filter(message=row).order_by("number")
    return [(attempt.outcome, attempt.is_look_up) for attempt in journal]


def state(row: OutboundMessage) -> str:
    row.refresh_from_db()
    return row.state


def waits(row: OutboundMessage) -> float:
    row.refresh_from_db()
    return (row.next_attempt_at - timezone.now()).total_seconds()


# --- A good answer -----------------------------------------------------------------------------


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


# --- Surely not applied ------------------------------------------------------------------------


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


# --- Doubt -------------------------------------------------------------------------------------


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


# --- No ----------------------------------------------------------------------------------------


def test_a_refusal_is_a_case_at_once(owe: Owe, sink: FakeSink, deliver: Turn) -> None:
    row = owe()
    sink.will_answer(RemoteRejected("target refused with 400.", status=400, answer="bad tax"))

    deliver()

    assert (state(row), row.error_code) == ("DEAD", "connectors.rejected")
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.status, attempt.response) == ("REJECTED", 400, "bad tax")
    case = ExceptionCase.objects.get()
    assert (case.outbound, case.title) == (row, "target refused with 400.")


def test_a_missing_code_is_a_case_that_names_the_row(
    owe: Owe, sink: FakeSink, deliver: Turn
) -> None:
    row = owe()
    sink.will_answer(MappingMissing("Tax code X is unknown.", table="TAX_CODE", external_code="X"))

    deliver()

    assert (state(row), row.error_context) == ("DEAD", {"table": "TAX_CODE", "external_code": "X"})
    assert ExceptionCase.objects.get().title == "Tax code “X” is not mapped for Target"


def test_what_cannot_even_be_prepared_is_a_case_and_was_surely_not_sent(
    owe: Owe, deliver: Turn, target: Connection
) -> None:
    row = owe()
    Connection.objects.filter(pk=target.pk).update(system="gone")

    deliver()

    assert (state(row), row.error_code) == ("DEAD", "connectors.connection_unusable")
    assert ExceptionCase.objects.get().outbound == row


def test_a_secret_that_cannot_be_opened_is_a_case_and_was_surely_not_sent(
    owe: Owe, sink: FakeSink, deliver: Turn, target: Connection
) -> None:
    row = owe()
    target.credentials.create(name="access_token", ciphertext=b"nonsense", fingerprint="x")

    deliver()

    assert state(row) == "DEAD"
    assert sink.sent == []
    assert ExceptionCase.objects.get().outbound == row


def test_a_rejected_sign_in_pauses_the_connection_and_burns_nothing(
    owe: Owe,
    sink: FakeSink,
    deliver: Turn,
    target: Connection,
    time_passes: Act,
    now: datetime,
) -> None:
    rows = [owe(f"R{n}") for n in range(3)]
    sink.will_answer(*[CredentialsRejected("target rejected our sign-in.")] * 3)

    deliver()

    assert {(state(row), row.failures) for row in rows} == {("READY", 0)}
    target.refresh_from_db()
    assert (target.health, target.outbound_paused_at is not None) == ("SIGN_IN", True)
    case = ExceptionCase.objects.get()
    assert (case.code, case.connection) == ("connectors.credentials_rejected", target)
    assert deliver() == 0

    resume_connection(connection_id=target.pk, now=now)

    assert ExceptionCase.objects.get().state == "NEW"  # what waited is not there yet
    time_passes()
    assert deliver() == 3
    assert {state(row) for row in rows} == {"SENT"}
    assert settle_incidents(now=now) == 1
    assert ExceptionCase.objects.get().state == "RESOLVED"


# --- Lanes and order ---------------------------------------------------------------------------


def test_effects_of_one_lane_go_one_after_the_other(
    owe: Owe, sink: FakeSink, deliver: Turn
) -> None:
    for number in range(3):
        owe(f"R{number}", lane="order:1")

    assert [deliver(), deliver(), deliver(), deliver()] == [1, 1, 1, 0]
    assert sink.sent == ["order.post:R0", "order.post:R1", "order.post:R2"]


@pytest.mark.parametrize(
    "error",
    [RemoteUnavailable("away"), AnswerLost("lost"), RemoteRejected("no")],
    ids=lambda error: type(error).__name__,
)
def test_whatever_stops_the_head_of_a_lane_stops_the_lane(
    owe: Owe, sink: FakeSink, deliver: Turn, error: Exception
) -> None:
    owe("R0", lane="order:1")
    second = owe("R1", lane="order:1")
    sink.will_answer(error)
    deliver()
    other = owe("R2", lane="order:2")

    deliver()

    assert (state(second), second.attempts) == ("READY", 0)
    assert state(other) == "SENT"


def test_lanes_of_two_systems_do_not_wait_for_each_other(
    owe: Owe, sink: FakeSink, deliver: Turn, target: Connection
) -> None:
    twin = Connection.objects.create(
        slug="twin", name="Twin", system="fake", role="ERP", rate_per_second=1000, burst=1000
    )
    owe("R0", lane="order:1")
    owe("R1", lane="order:1", connection=twin)

    assert deliver() == 2


def test_money_goes_first(owe: Owe, sink: FakeSink, deliver: Turn) -> None:
    owe("S1", kind=IntentKind.PUBLISH_STOCK)
    owe("S2", kind=IntentKind.PUBLISH_STOCK)
    owe("R1")

    assert deliver_batch(criticalities=list(Criticality), limit=1, now=timezone.now()) == 1

    assert sink.sent == ["order.post:R1"]


def test_the_critical_worker_takes_money_only(owe: Owe, sink: FakeSink) -> None:
    owe("S1", kind=IntentKind.PUBLISH_STOCK)
    owe("R1")

    deliver_batch(criticalities=[Criticality.P0], limit=32, now=timezone.now())

    assert sink.sent == ["order.post:R1"]


def test_a_newer_number_replaces_the_one_nobody_began_to_send(
    owe: Owe, sink: FakeSink, deliver: Turn
) -> None:
    old = owe("MUG:1", kind=IntentKind.PUBLISH_STOCK, coalesce_key="stock:MUG")
    new = owe("MUG:2", kind=IntentKind.PUBLISH_STOCK, coalesce_key="stock:MUG")

    deliver()

    assert (state(old), state(new)) == ("SUPERSEDED", "SENT")
    assert sink.sent == ["stock.publish:MUG:2"]


# --- Pauses and the breaker --------------------------------------------------------------------


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


# --- Replay ------------------------------------------------------------------------------------


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
