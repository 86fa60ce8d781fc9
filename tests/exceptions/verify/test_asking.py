"""What the system itself has or lacks verifies a case, or brings it back with the evidence."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connectors.models import Attempt, Connection, OutboundMessage
from exceptions.models import CaseEvent, ExceptionCase
from exceptions.services import acts
from exceptions.services.sweep import set_aside_what_was_decided
from exceptions.services.verify import verify_due
from tests.exceptions.conftest import Stopped
from tests.exceptions.verify.conftest import Ledger
from tests.exceptions.verify.cures import SOON, close, look


@pytest.mark.parametrize("state", ["DEAD", "MANUAL"])
def test_what_is_there_after_all_is_verified_and_counts_as_sent(
    stopped_effect: Stopped, ledger: Ledger, ana: User, now: datetime, state: str
) -> None:
    case = close(stopped_effect(state=state), ana, now)
    assert (case.state, case.proof) == ("RESOLVED", "UNVERIFIED")
    ledger.has["order.post:R1"] = "SO-7"

    look(case, now + SOON)

    effect = OutboundMessage.objects.get()
    assert (effect.state, effect.external_id) == ("SENT", "SO-7")
    assert (case.state, case.proof, case.proof_text) == (
        "RESOLVED",
        "VERIFIED",
        "NetSuite has SO-7",
    )
    assert (case.proof_at, case.proof_due_at) == (now + SOON, None)
    assert [(a.is_look_up, a.outcome) for a in Attempt.objects.all()] == [(True, "FOUND")]
    assert verify_due(now=now + timedelta(days=9)) == 0


def test_what_is_not_there_comes_back_to_its_owner_with_the_evidence_and_its_clock(
    stopped_effect: Stopped, ledger: Ledger, ana: User, now: datetime
) -> None:
    case = stopped_effect()
    ExceptionCase.objects.update(order_number="SH-1042")
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)
    due_at = close(case, ana, now).due_at

    look(case, now + SOON)

    clock = f"{timezone.localtime(now + SOON):%H:%M}"
    said = f"Reopened: NetSuite still has no order SH-1042, looked {clock}"
    newest = CaseEvent.objects.latest("pk")
    assert (newest.verb, newest.actor, newest.text) == ("not cured", None, said)
    assert (newest.before["state"], newest.after["state"]) == ("RESOLVED", "CLAIMED")
    assert (case.state, case.owner, case.due_at) == ("CLAIMED", ana, due_at)
    assert (case.closed_at, case.resolution, case.proof) == (None, "", "NOT_CURED")
    assert OutboundMessage.objects.get().state == "DEAD"
    assert [a.outcome for a in Attempt.objects.all()] == ["ABSENT"]
    assert set_aside_what_was_decided(now=now + timedelta(days=1)) == 0


def test_of_ten_that_were_closed_the_three_that_are_not_cured_come_back(
    stopped_effect: Stopped, ledger: Ledger, ana: User, now: datetime
) -> None:
    cases = [close(stopped_effect(f"R{n}"), ana, now) for n in range(10)]
    ledger.has = {f"order.post:R{n}": f"SO-{n}" for n in range(7)}

    assert verify_due(now=now + SOON) == 10

    states = [(one.state, one.proof) for one in ExceptionCase.objects.order_by("pk")]
    assert states == [("RESOLVED", "VERIFIED")] * 7 + [("NEW", "NOT_CURED")] * 3
    said = CaseEvent.objects.filter(verb="not cured").order_by("case_id")
    assert [line.case_id for line in said] == [case.pk for case in cases[7:]]
    assert all("NetSuite still has no order.post:R" in line.text for line in said)


def test_a_system_that_does_not_answer_is_asked_again_ever_less_often_and_once_for_all_of_them(
    stopped_effect: Stopped, ledger: Ledger, ana: User, now: datetime
) -> None:
    case = close(stopped_effect("R1"), ana, now)
    close(stopped_effect("R2"), ana, now)
    ledger.is_away = True

    look(case, now + SOON)

    assert ledger.asked == ["order.post:R1"]
    assert (case.state, case.proof) == ("RESOLVED", "UNVERIFIED")
    assert "NetSuite could not be asked" in case.proof_text
    waits = []
    for _ in range(12):
        at = case.proof_due_at
        assert at is not None
        look(case, at)
        if case.proof_due_at is not None:
            waits.append(case.proof_due_at - at)
    assert waits == sorted(waits)
    assert waits[-1] <= timedelta(hours=1)
    # An unproved effect is not dropped meanwhile, and after a day it is left at Ana's word.
    assert set_aside_what_was_decided(now=now + timedelta(hours=23)) == 0
    look(case, now + timedelta(days=1, minutes=1))
    assert (case.state, case.proof) == ("RESOLVED", "WORD")
    assert set_aside_what_was_decided(now=now + timedelta(days=1, minutes=2)) >= 1


def test_a_paused_system_is_not_called(
    stopped_effect: Stopped, ledger: Ledger, erp: Connection, ana: User, now: datetime
) -> None:
    case = close(stopped_effect(), ana, now)
    Connection.objects.filter(pk=erp.pk).update(outbound_paused_at=now, pause_reason="Night")

    look(case, now + SOON)

    assert (case.proof, ledger.asked) == ("UNVERIFIED", [])
