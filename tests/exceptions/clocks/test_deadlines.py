"""A deadline is set by a policy, in working time, and met by whoever is at it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from exceptions.lifecycle import CaseState
from exceptions.models import Calendar, ExceptionCase, WorkingHours
from exceptions.rows import clock_facts
from exceptions.services import acts
from exceptions.services.assign import Choice, assign_case
from exceptions.services.sweep import wake_due_cases
from tests.exceptions.clocks.policies import H, M, policy
from tests.exceptions.conftest import OpenCase


def test_without_a_policy_the_playbook_counts_round_the_clock(
    problem: OpenCase, now: datetime
) -> None:
    case = problem("connectors.mapping_missing")

    assert (case.due_at - now, case.respond_due_at, case.policy) == (60 * M, None, None)


def test_the_last_policy_that_matches_counts(problem: OpenCase, now: datetime) -> None:
    policy(position=10, resolve_minutes=600)
    policy(position=20, resolve_minutes=30, code_prefix="connectors.", severity_from=3)
    policy(position=30, resolve_minutes=5, is_active=False)
    policy(position=40, resolve_minutes=7, code_prefix="inventory.")

    high, other = problem("connectors.mapping_missing"), problem("orders.unknown")

    assert (high.due_at - now, high.minutes) == (30 * M, 30)
    assert other.due_at - now == 600 * M


def test_a_deadline_falls_into_working_hours(
    problem: OpenCase, now: datetime, office: Calendar
) -> None:
    policy(calendar=office, respond_minutes=60, resolve_minutes=10 * 60)

    case = problem()

    assert case.respond_due_at == now + H
    assert case.due_at == datetime(2026, 11, 26, 11, tzinfo=UTC)  # 7 h today, 3 h tomorrow


@pytest.fixture
def lea(orders_team: Any) -> User:
    lead = User.objects.create(username="lea", first_name="Lea")
    orders_team.members.add(lead)
    return lead


@pytest.mark.parametrize("act", ["claim", "note", "wait", "resolve"])
def test_the_first_who_is_at_it_answers(
    problem: OpenCase, ana: User, now: datetime, act: str
) -> None:
    policy(respond_minutes=15)
    case = problem()
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now) if act == "wait" else None
    ExceptionCase.objects.update(responded_at=None)
    does: dict[str, Callable[..., object]] = {
        "claim": acts.claim_case,
        "note": partial(acts.add_note, text="I call them."),
        "wait": partial(acts.wait_case, on_whom="Ada"),
        "resolve": partial(acts.resolve_case, reason="Agreed by phone"),
    }

    does[act](case_id=case.pk, actor_id=ana.pk, now=now + 10 * M)

    case.refresh_from_db()
    assert case.responded_at == now + 10 * M
    assert ("First answer", "In time, 5 m early", False) in clock_facts(case, now + H)


def test_to_hide_or_to_hand_on_is_no_answer(
    problem: OpenCase, ana: User, lea: User, now: datetime
) -> None:
    policy(respond_minutes=15)
    case = problem()
    team = lea.teams.get()

    acts.snooze_case(case_id=case.pk, actor_id=ana.pk, minutes=5, now=now)
    choice = Choice(team_id=team.pk, person_id=ana.pk)
    assign_case(case_id=case.pk, actor_id=lea.pk, choice=choice, now=now)

    case.refresh_from_db()
    assert case.responded_at is None
    assert ("First answer", "5 m late", True) in clock_facts(case, now + 20 * M)


@pytest.mark.parametrize(("respond", "wakes_after"), [(None, 120 * M), (15, 15 * M)])
def test_a_snooze_ends_at_the_first_deadline(
    problem: OpenCase, ana: User, now: datetime, respond: int | None, wakes_after: timedelta
) -> None:
    policy(respond_minutes=respond)
    case = problem()
    acts.snooze_case(case_id=case.pk, actor_id=ana.pk, minutes=960, now=now)

    assert wake_due_cases(now=now + wakes_after - M) == 0
    assert wake_due_cases(now=now + wakes_after) == 1

    case.refresh_from_db()
    assert case.state == CaseState.NEW


def test_constraints_of_clocks(problem: OpenCase, office: Calendar, now: datetime) -> None:
    case = problem()
    wrong: dict[str, Callable[[], object]] = {
        "exceptions_case_paused_means_a_reason": lambda: ExceptionCase.objects.filter(
            pk=case.pk
        ).update(paused_at=now),
        "exceptions_hours_close_after_they_open": lambda: WorkingHours.objects.create(
            calendar=office, weekday=6, opens=time(9), closes=time(8)
        ),
        "exceptions_hours_open_once": lambda: WorkingHours.objects.create(
            calendar=office, weekday=0
        ),
        "exceptions_calendar_part_is_of_a_country": lambda: Calendar.objects.create(
            name="X", time_zone="UTC", subdivision="BY"
        ),
        "exceptions_policy_allows_some_time": lambda: policy(respond_minutes=0),
    }
    for name, make in wrong.items():
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            make()
