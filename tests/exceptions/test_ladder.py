"""The ladder of a team: each step once, at its moment, to somebody who is here."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from exceptions.lifecycle import CaseState
from exceptions.models import Absence, Assignment, ExceptionCase, LadderStep, Team
from exceptions.services import acts
from exceptions.services.ladder import climb_ladders, look_at_ladders_again
from retailhub.kernel.roles import Role
from tests.conftest import ONE_DAY, person
from tests.exceptions.conftest import OpenCase
from tests.racing import at_once

M = timedelta(minutes=1)
CODE = "connectors.mapping_missing"  # sixty minutes


@pytest.fixture
def lea(orders_team: Team) -> User:
    lead = person("lea", "Lea", Role.LEAD)
    orders_team.members.add(lead)
    return lead


def step(team: Team, percent: int, goes: str = "LEAD", **to: Any) -> LadderStep:
    return LadderStep.objects.create(team=team, percent=percent, goes=goes, **to)


def climbs(case: ExceptionCase, now: datetime) -> int:
    """How many steps it climbs when the clock looks, and looks again."""
    climbed = sum(climb_ladders(now=now) for _ in range(4))
    case.refresh_from_db()
    return climbed


def test_a_case_climbs_each_step_once_at_its_moment(
    problem: OpenCase, orders_team: Team, finance_team: Team, lea: User, now: datetime
) -> None:
    step(orders_team, 75)
    step(orders_team, 100, "TEAM", to_team=finance_team)
    case = problem(CODE)
    assert case.team == orders_team

    assert climbs(case, now + 44 * M) == 0
    assert case.ladder_at == now + 45 * M
    assert climbs(case, now + 45 * M) == 1
    assert (case.owner, case.team, case.state) == (lea, orders_team, CaseState.NEW)
    assert climbs(case, now + 59 * M) == 0
    assert climbs(case, now + 60 * M) == 1
    assert (case.owner, case.team) == (None, finance_team)
    assert climbs(case, now + ONE_DAY) == 0
    assert case.ladder_at is None

    told = [event.text for event in case.events.filter(verb="escalated").order_by("pk")]
    assert told == [
        "75 % of its time has passed: to Lea",
        "100 % of its time has passed: to Finance",
    ]
    assert Assignment.objects.filter(case=case, how="LADDER").count() == 2


def test_time_that_stood_does_not_count(
    problem: OpenCase, orders_team: Team, lea: User, ana: User, now: datetime
) -> None:
    step(orders_team, 50)
    case = problem(CODE)
    climbs(case, now)
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now + 10 * M)
    acts.wait_case(case_id=case.pk, actor_id=ana.pk, on_whom="Ada", now=now + 20 * M)
    assert climbs(case, now + ONE_DAY) == 0

    acts.wake_case(case_id=case.pk, actor_id=ana.pk, now=now + ONE_DAY)

    assert climbs(case, now + ONE_DAY + 9 * M) == 0
    assert case.owner == ana
    assert climbs(case, now + ONE_DAY + 10 * M) == 1
    assert (case.owner, case.state) == (lea, CaseState.NEW)


def test_of_several_leads_who_are_here_the_one_with_least_gets_it(
    problem: OpenCase, orders_team: Team, lea: User, now: datetime
) -> None:
    for name in ("max", "mel"):
        orders_team.members.add(person(name, name.title(), Role.LEAD))
    Absence.objects.create(
        person=User.objects.get(username="mel"), begins_at=now, ends_at=now + ONE_DAY
    )
    step(orders_team, 1)
    cases = [problem(f"orders.x{n}") for n in range(3)]

    climb_ladders(now=now + ONE_DAY - M)

    owners = ExceptionCase.objects.filter(pk__in=[case.pk for case in cases])
    assert sorted(owners.values_list("owner__username", flat=True)) in (
        ["lea", "lea", "max"],
        ["lea", "max", "max"],
    )


def test_when_nobody_is_here_it_says_so_and_keeps_who_had_it(
    problem: OpenCase, orders_team: Team, ana: User, ben: User, now: datetime
) -> None:
    step(orders_team, 10)
    step(orders_team, 20, "PERSON", person=ben)
    User.objects.filter(pk=ben.pk).update(is_active=False)
    case = problem(CODE)
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)

    assert climbs(case, now + 12 * M) == 2

    assert (case.owner, case.state) == (ana, CaseState.CLAIMED)
    assert case.events.latest("pk").text.endswith("nobody to give it to is here.")


def test_a_step_added_later_counts_for_what_runs_already(
    problem: OpenCase, orders_team: Team, lea: User, now: datetime
) -> None:
    case = problem(CODE)
    assert climbs(case, now) == 0
    step(orders_team, 150)

    assert look_at_ladders_again(team_id=orders_team.pk, now=now) == 1

    assert climbs(case, now + 89 * M) == 0
    assert climbs(case, now + 90 * M) == 1
    assert case.owner == lea


@pytest.mark.django_db(transaction=True)
def test_two_clocks_at_once_take_one_step(
    problem: OpenCase, orders_team: Team, lea: User, now: datetime
) -> None:
    step(orders_team, 50)
    case = problem(CODE)

    ends = at_once([partial(climb_ladders, now=now + 31 * M)] * 3)

    assert sum(end for end in ends if isinstance(end, int)) == 1
    assert case.events.filter(verb="escalated").count() == 1


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"percent": 0}, "exceptions_ladder_step_is_after_the_start"),
        ({"percent": 5, "goes": "PERSON"}, "exceptions_ladder_step_leads_to_one"),
    ],
)
def test_a_step_leads_somewhere(orders_team: Team, columns: dict[str, Any], name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        step(orders_team, **columns)
