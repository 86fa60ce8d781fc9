"""A person decides who has a case, for good or for a while, against what the rules say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from exceptions.errors import NotTheirs
from exceptions.models import Assignment, ExceptionCase
from exceptions.selectors import workers
from exceptions.services.acts import begin
from exceptions.services.cases import note, reroute, save, snapshot
from exceptions.services.ownership import current_rules
from retailhub.kernel.roles import Ability, may


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Who shall have it. `until` ends the pin; a pin without it holds until somebody lets it go."""

    team_id: int
    person_id: int | None = None
    is_pinned: bool = True
    until: datetime | None = None


@transaction.atomic
def assign_case(
    *, case_id: int, actor_id: int, choice: Choice, now: datetime, version: int | None = None
) -> ExceptionCase:
    """Give a case to a team, and in it to a person or to nobody yet.

    Raises `NotTheirs` when that person could not see or work on it there.
    """
    case, before = begin(case_id, "assign", actor_id, version)
    person = _person(choice)
    case.team_id, case.owner_id = choice.team_id, choice.person_id
    case.is_pinned, case.pinned_until = choice.is_pinned, choice.until if choice.is_pinned else None
    case.rules_version, case.wake_at = current_rules().number, None
    case.team_reason = _reason(case, actor_id)
    case.ladder_at = now
    Assignment.objects.create(
        case=case,
        how=Assignment.How.PERSON,
        team_id=choice.team_id,
        person_id=choice.person_id,
        rules_version=case.rules_version,
        explanation={"rule": case.team_reason, "lost": []},
        actor_id=actor_id,
        at=now,
    )
    text = f"To {case.team}{f', {person}' if person else ''}"
    note(case, "assign", now, actor_id=actor_id, text=text, before=before)
    save(case)
    return case


def _person(choice: Choice) -> str:
    if choice.person_id is None:
        return ""
    found = workers().filter(pk=choice.person_id)
    user: Any = found.first()
    is_near = found.filter(teams=choice.team_id).exists()
    if user is None or not (is_near or may(user, Ability.SEE_EVERYTHING)):
        raise NotTheirs(
            "This person is not in that team, or may not work on cases. Choose somebody who is."
        )
    return str(user.get_short_name() or user.get_username())


def _reason(case: ExceptionCase, actor_id: int) -> str:
    actor = get_user_model().objects.get(pk=actor_id)
    how = "Chosen by" if case.is_pinned else "Given by"
    return f"{how} {actor.get_short_name() or actor.get_username()}"[:300]


@transaction.atomic
def unpin_case(*, case_id: int, now: datetime) -> ExceptionCase | None:
    """Let the rules decide again, where the pin of a case has ended."""
    case = (
        ExceptionCase.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(pk=case_id, is_pinned=True, pinned_until__lte=now)
        .first()
    )
    if case is None:
        return None
    before = snapshot(case)
    case.is_pinned, case.pinned_until = False, None
    note(case, "unpinned", now, text="The time it was given away for is over.", before=before)
    reroute(case, now=now)
    save(case)
    return case


def unpin_due_cases(*, now: datetime) -> int:
    """Let go of open cases whose pin has ended. Returns how many."""
    due = ExceptionCase.objects.filter(pinned_until__lte=now, closed_at=None)
    ids = list(due.order_by("pk").values_list("pk", flat=True)[:500])
    return sum(unpin_case(case_id=pk, now=now) is not None for pk in ids)
