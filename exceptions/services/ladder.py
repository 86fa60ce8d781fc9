"""Steps that a team's case climbs while its time runs: to a lead, a person, another team."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from exceptions.lifecycle import CaseState
from exceptions.models import Assignment, ExceptionCase, LadderStep
from exceptions.models.cases import OPEN_STATES
from exceptions.selectors import BUSY_STATES, present_workers
from exceptions.services.calendars import Clocks
from exceptions.services.cases import note, save, snapshot
from exceptions.worktime import Hours, business_time, due_at
from retailhub.kernel.roles import Role

BATCH = 200


def climb_ladders(*, now: datetime) -> int:
    """Take each case the steps that are due, and say when the next one is. Returns how many went.

    A case comes back later for its next step: one step at a time, each told in its activity.
    """
    climbed = 0
    due = ExceptionCase.objects.filter(ladder_at__lte=now, state__in=OPEN_STATES)
    for case_id in list(due.order_by("ladder_at", "pk").values_list("pk", flat=True)[:BATCH]):
        climbed += _look(case_id, now)
    return climbed


@transaction.atomic
def _look(case_id: int, now: datetime) -> bool:
    rows = ExceptionCase.objects.select_related("policy", "team")
    locked = rows.select_for_update(of=("self",), skip_locked=True)
    case = locked.filter(pk=case_id, ladder_at__lte=now, state__in=OPEN_STATES).first()
    if case is None:
        return False
    step = _next_step(case)
    hours = Clocks().hours_of(case.policy)
    moment = moment_of(case, step.percent, hours, now=now) if step else None
    if step is None or moment is None or moment > now:
        ExceptionCase.objects.filter(pk=case.pk).update(ladder_at=moment)
        return False
    _climb(case, step, now)
    return True


def _next_step(case: ExceptionCase) -> LadderStep | None:
    steps = LadderStep.objects.filter(team=case.team_id or 0, percent__gt=case.ladder_percent)
    return steps.select_related("person", "to_team").order_by("percent").first()


def moment_of(case: ExceptionCase, percent: int, hours: Hours | None, *, now: datetime) -> datetime:
    """When `percent` of the time of a running case has passed; `now` if it has."""
    total = timedelta(minutes=case.minutes) or business_time(hours, case.opened_at, case.due_at)
    if percent > 100:
        return due_at(hours, case.due_at, total * (percent - 100) / 100)
    # Counted from what is left, so that what it stood still does not matter.
    spare = business_time(hours, now, case.due_at) - total * (100 - percent) / 100
    return due_at(hours, now, spare)


def _climb(case: ExceptionCase, step: LadderStep, now: datetime) -> None:
    before = snapshot(case)
    case.ladder_percent, case.ladder_at = step.percent, now
    if step.goes == LadderStep.Goes.TEAM:
        case.team, case.owner = step.to_team, None
        case.team_reason = f"Escalated after {step.percent} % of its time"
        found = str(step.to_team)
    else:
        person = _person(case, step, now)
        case.owner = person or case.owner
        found = (person.get_short_name() or person.get_username()) if person else ""
    if case.state in {CaseState.CLAIMED, CaseState.SNOOZED} and before["owner"] != case.owner_id:
        case.state, case.wake_at = CaseState.NEW, None
    text = f"{step.percent} % of its time has passed: to {found}" if found else _nobody(step)
    _record(case, step, now)
    note(case, "escalated", now, text=text, before=before)
    save(case)


def _nobody(step: LadderStep) -> str:
    return f"{step.percent} % of its time has passed, and nobody to give it to is here."


def _person(case: ExceptionCase, step: LadderStep, now: datetime) -> Any:
    """Who is meant, if they are here; of several leads the one who holds least."""
    here = present_workers(now)
    if step.goes == LadderStep.Goes.PERSON:
        return here.filter(pk=step.person_id).first()
    leads = here.filter(teams=case.team_id or 0, groups__name=Role.LEAD.value)
    held = {lead.pk: 0 for lead in leads}
    busy = ExceptionCase.objects.filter(owner__in=list(held), state__in=BUSY_STATES)
    for owner_id in busy.values_list("owner_id", flat=True):
        held[owner_id] += 1
    least = min(held, key=lambda pk: (held[pk], pk), default=None)
    return next((lead for lead in leads if lead.pk == least), None)


def _record(case: ExceptionCase, step: LadderStep, now: datetime) -> None:
    Assignment.objects.create(
        case=case,
        how=Assignment.How.LADDER,
        team=case.team,
        person=case.owner,
        rules_version=case.rules_version,
        explanation={"rule": f"Ladder of {step.team}: {step}", "lost": []},
        at=now,
    )


def look_at_ladders_again(*, team_id: int, now: datetime) -> int:
    """The steps of a team were changed: its running cases are looked at. Returns how many."""
    running = ExceptionCase.objects.filter(team=team_id, state__in=OPEN_STATES, paused_at=None)
    return running.update(ladder_at=now)
