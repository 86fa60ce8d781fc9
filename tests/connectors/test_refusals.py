"""A no is a case at once, and what was surely not sent stays owed."""

from __future__ import annotations

from datetime import datetime

from connectors.models import Attempt, Connection
from connectors.services.pause import resume_connection
from connectors.systems.base import MappingMissing
from connectors.systems.http import CredentialsRejected, RemoteRejected
from exceptions.models import ExceptionCase
from exceptions.services.incidents import settle_incidents
from tests.connectors.conftest import Owe
from tests.connectors.outbox import Act, Turn, state
from tests.connectors.sinks import FakeSink


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
