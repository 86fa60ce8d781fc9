"""An answer that came after its lease was lost: what it proves counts, and nothing else of it."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db.models import F
from django.utils import timezone

from connectors.lifecycle import Criticality
from connectors.models import Attempt, Connection, ExternalReference, OutboundMessage
from connectors.services import deliver, settle
from connectors.services.claim import claim_effects
from connectors.services.deliver import Answered, sweep_expired_leases
from connectors.services.replay import set_aside_outbound
from connectors.systems.base import IntentKind, Receipt
from connectors.systems.http import AnswerLost, RemoteRejected
from exceptions.models import ExceptionCase
from tests.connectors.conftest import Owe
from tests.connectors.outbox import Act
from tests.connectors.sinks import FakeSink

SO_1 = Receipt(external_id="SO-1")


@pytest.fixture
def claimed(owe: Owe) -> Attempt:
    """An effect that a worker is asking for."""
    owe(lane="order:1")
    (attempt,) = claim_effects(list(Criticality), 32)
    return attempt


@pytest.fixture
def given_up(claimed: Attempt, leases_expire: Act, now: datetime) -> Attempt:
    """One whose worker was taken for dead: in doubt now."""
    leases_expire()
    assert sweep_expired_leases(now=now) == 1
    assert _row().state == "UNKNOWN"
    return claimed


def _row() -> OutboundMessage:
    return OutboundMessage.objects.get(reference="R1")


def _answer(attempt: Attempt, said: Receipt | Exception | None) -> None:
    receipt = said if isinstance(said, Receipt) else None
    error = said if isinstance(said, Exception) else None
    answered = Answered(attempt.message, attempt, receipt, error, attempt.is_look_up, 7)
    settle.settle_answer(answered, now=timezone.now())


@pytest.mark.parametrize("state", ["UNKNOWN", "READY", "MANUAL", "DEAD"])
def test_a_late_receipt_ends_the_doubt_whatever_became_of_the_effect(
    given_up: Attempt, sink: FakeSink, time_passes: Act, state: str
) -> None:
    OutboundMessage.objects.update(state="READY" if state == "READY" else "MANUAL")
    if state == "DEAD":  # sent again, and refused as a double
        OutboundMessage.objects.update(state="READY")
        OutboundMessage.objects.update(state="SENDING")
        OutboundMessage.objects.update(state="DEAD")

    _answer(given_up, SO_1)

    row = _row()
    assert (row.state, row.external_id, row.must_look_up) == ("SENT", "SO-1", False)
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.milliseconds) == ("SENT", 7)
    assert attempt.detail.startswith("Said after the lease had passed on.")
    assert ExternalReference.objects.get().external_id == "SO-1"
    time_passes()
    assert deliver.deliver_batch(criticalities=list(Criticality), limit=9, now=timezone.now()) == 0
    assert (sink.sent, sink.looked_up) == ([], [])
    assert not ExceptionCase.objects.exists()


def test_a_late_receipt_closes_the_case_of_what_a_person_was_asked_about(
    claimed: Attempt, leases_expire: Act, now: datetime
) -> None:
    OutboundMessage.objects.update(deadline_at=now)
    leases_expire()
    sweep_expired_leases(now=now)
    assert (_row().state, ExceptionCase.objects.get().state) == ("MANUAL", "NEW")

    _answer(claimed, SO_1)

    assert (_row().state, ExceptionCase.objects.get().state) == ("SENT", "RESOLVED")


@pytest.mark.parametrize("said", [None, RemoteRejected("No such order."), AnswerLost("lost")])
def test_who_took_it_over_meanwhile_changes_nothing_any_more(
    given_up: Attempt, time_passes: Act, said: Exception | None
) -> None:
    time_passes()
    (look_up,) = claim_effects(list(Criticality), 32)
    assert look_up.is_look_up

    _answer(given_up, SO_1)
    _answer(look_up, said)

    assert (_row().state, _row().external_id) == ("SENT", "SO-1")
    assert not ExceptionCase.objects.exists()


@pytest.mark.parametrize("other", ["SO-1", ""])
def test_two_receipts_that_agree_are_no_news(
    given_up: Attempt, time_passes: Act, other: str
) -> None:
    time_passes()
    (look_up,) = claim_effects(list(Criticality), 32)
    _answer(look_up, SO_1)

    _answer(given_up, Receipt(external_id=other))

    assert (_row().state, _row().external_id) == ("SENT", "SO-1")
    assert [a.outcome for a in Attempt.objects.order_by("number")] == ["LATE", "FOUND"]
    assert not ExceptionCase.objects.exists()


def test_two_receipts_that_disagree_are_a_case(given_up: Attempt, target: Connection) -> None:
    OutboundMessage.objects.update(state="SENT", external_id="SO-2", lease_token=F("lease_token"))

    _answer(given_up, SO_1)

    assert (_row().state, _row().external_id) == ("SENT", "SO-2")
    case = ExceptionCase.objects.get()
    assert (case.code, case.outbound, case.connection) == (
        "connectors.receipts_disagree",
        _row(),
        target,
    )
    assert case.detail == "Target has both SO-2 and SO-1 for R1."


def test_what_was_set_aside_and_is_there_after_all_is_a_case(
    given_up: Attempt, now: datetime
) -> None:
    OutboundMessage.objects.update(state="MANUAL")
    assert set_aside_outbound(message_id=_row().pk, now=now)

    _answer(given_up, SO_1)

    assert _row().state == "CANCELLED"
    assert ExceptionCase.objects.get().detail == "Target has SO-1 for R1, which was set aside here."


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (None, "LATE"),
        (RemoteRejected("No."), "LATE"),
        (AnswerLost("lost"), "UNKNOWN"),
        (KeyError("id"), "UNKNOWN"),
    ],
)
def test_a_late_answer_that_proves_nothing_is_only_kept(
    given_up: Attempt, said: Exception | None, outcome: str
) -> None:
    before = OutboundMessage.objects.values().get()

    _answer(given_up, said)

    assert OutboundMessage.objects.values().get() == before
    assert Attempt.objects.get().outcome == outcome


def test_a_call_that_was_fenced_off_may_still_do_something_so_the_next_effect_waits(
    given_up: Attempt, owe: Owe, sink: FakeSink, time_passes: Act
) -> None:
    OutboundMessage.objects.update(order_id=1, state="READY", must_look_up=False)
    Attempt.objects.update(outcome="LATER")
    time_passes()
    (again,) = claim_effects(list(Criticality), 32)
    assert not again.is_look_up
    _answer(given_up, SO_1)

    owe("R1", kind=IntentKind.CANCEL_ORDER, lane="order:1", order_id=1)
    deliver.deliver_batch(criticalities=list(Criticality), limit=9, now=timezone.now())

    assert sink.sent == []
    row = OutboundMessage.objects.get(kind="order.cancel")
    assert (row.state, row.error_code) == ("READY", "connectors.throttled")


def test_a_good_answer_that_is_settled_twice_stays_good(claimed: Attempt) -> None:
    _answer(claimed, SO_1)
    _answer(claimed, SO_1)

    assert Attempt.objects.get().outcome == "SENT"
    assert not ExceptionCase.objects.exists()
