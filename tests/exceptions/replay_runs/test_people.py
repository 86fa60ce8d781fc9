"""What people do to a run and its cases meanwhile counts, and is on record."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from exceptions.errors import VerbNotAllowed
from exceptions.models import CaseEvent, ExceptionCase, Team
from exceptions.services.acts import claim_case
from exceptions.services.drive_run import drive_due_run
from exceptions.services.replay import replay_case
from exceptions.services.runs import cases_for
from exceptions.services.select_cases import select_cases
from exceptions.services.start_run import start_run
from exceptions.services.steer_run import dismiss_run, steer_run
from tests.exceptions.runs import Clock, Erp, ends, numbers


def test_cancel_sends_nothing_more_and_the_numbers_add_up(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    netsuite.refusal = ""
    stuck(20)
    run = start()
    clock.look()
    sent = len(netsuite.sent)

    steer_run(run_id=run.pk, verb="cancel", actor_id=mia.pk, now=clock.now)
    clock.until(lambda: ends(run))

    assert sent == 5
    assert len(netsuite.sent) == sent
    assert (run.state, numbers(run)) == ("CANCELLED", {"DONE": 5, "CANCELLED": 15})
    with pytest.raises(VerbNotAllowed):
        steer_run(run_id=run.pk, verb="resume", actor_id=mia.pk, now=clock.now)


def test_paused_it_sends_nothing_but_still_sees_what_ended(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    netsuite.refusal = ""
    stuck(20)
    run = start()
    drive_due_run(now=clock.now)
    steer_run(run_id=run.pk, verb="pause", actor_id=mia.pk, now=clock.now)

    clock.until(lambda: ends(run))

    assert numbers(run) == {"DONE": 5, "PENDING": 15}
    steer_run(run_id=run.pk, verb="resume", actor_id=mia.pk, now=clock.now)
    clock.until(lambda: ends(run))
    assert numbers(run) == {"DONE": 20}


def test_one_that_somebody_replays_or_closes_meanwhile_is_left_out(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    netsuite.refusal = ""
    cases = stuck(8)
    run = start()
    replay_case(case_id=cases[6].pk, actor_id=mia.pk, now=clock.now)
    ExceptionCase.objects.filter(pk=cases[7].pk).update(state="IGNORED", closed_at=timezone.now())

    clock.until(lambda: ends(run))

    assert numbers(run) == {"DONE": 6, "SKIPPED": 2}
    why = run.items.filter(state="SKIPPED").order_by("number").values_list("why", flat=True)
    assert why[1] == "closed"
    assert why[0] in {"running", "closed"}
    assert len(netsuite.sent) == 7


def test_a_case_that_is_somebody_s_stays_theirs(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, ana: User
) -> None:
    (case,) = stuck(1)
    claim_case(case_id=case.pk, actor_id=ana.pk, now=timezone.now())
    run = start()

    clock.until(lambda: ends(run))

    case.refresh_from_db()
    assert (case.state, case.owner, case.failed_again) == ("CLAIMED", ana, 1)
    replayed = CaseEvent.objects.get(case=case, verb="replay")
    assert replayed.text == f"Sent again with key order.post:R1 · replay run {run.pk}"


def test_rights_are_asked_again_when_it_runs(
    netsuite: Erp, stuck: Any, clock: Clock, ana: User, finance_team: Team
) -> None:
    netsuite.refusal = ""
    finance_team.members.add(ana)
    ana.groups.create(name="lead")
    stuck(3)
    now = clock.now
    lead = User.objects.get(pk=ana.pk)
    scope = select_cases(cases_for(lead), by=lead, now=now)
    run = start_run(scope_id=scope.pk, by=lead, now=now)
    finance_team.members.remove(ana)

    clock.until(lambda: ends(run))

    assert numbers(run) == {"SKIPPED": 3}
    assert set(run.items.values_list("why", flat=True)) == {"no access"}
    assert netsuite.sent == []


def test_every_act_on_a_run_is_on_record(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    stuck(6)
    run = start(reason="NetSuite is back")
    steer_run(run_id=run.pk, verb="pause", actor_id=mia.pk, now=clock.now)
    steer_run(run_id=run.pk, verb="pause", actor_id=mia.pk, now=clock.now)
    steer_run(run_id=run.pk, verb="resume", actor_id=mia.pk, now=clock.now)
    clock.until(lambda: ends(run))
    steer_run(run_id=run.pk, verb="cancel", actor_id=mia.pk, now=clock.now)
    clock.until(lambda: ends(run))
    dismiss_run(run_id=run.pk, actor_id=mia.pk, now=clock.now)

    lines = [
        (event.verb, event.actor, event.before.get("state"), event.after["state"])
        for event in run.events.order_by("pk")
    ]
    assert lines == [
        ("start", mia, None, "RUNNING"),
        ("pause", mia, "RUNNING", "PAUSED"),
        ("resume", mia, "PAUSED", "RUNNING"),
        ("stop", None, "RUNNING", "STOPPED"),
        ("cancel", mia, "STOPPED", "CANCELLED"),
        ("close", mia, "CANCELLED", "CANCELLED"),
    ]
