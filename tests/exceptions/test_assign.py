"""A person decides against the rules, for good or for a while; and people leave."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from exceptions.errors import NotTheirs, VersionStale
from exceptions.lifecycle import CaseState
from exceptions.models import Assignment, CaseEvent, ExceptionCase, OwnershipRule, Team
from exceptions.services import acts
from exceptions.services.assign import Choice, assign_case, unpin_due_cases
from exceptions.services.leavers import release_work_of_leavers
from exceptions.services.rules import apply_rules
from retailhub.kernel.roles import Role
from tests.conftest import ONE_DAY, person
from tests.exceptions.conftest import OpenCase, put_in


@pytest.fixture
def lea(orders_team: Team, finance_team: Team) -> User:
    """Leads both teams."""
    lead = person("lea", "Lea", Role.LEAD)
    for team in (orders_team, finance_team):
        team.members.add(lead)
    return lead


@pytest.fixture
def given(
    problem: OpenCase, lea: User, ben: User, finance_team: Team, now: datetime
) -> ExceptionCase:
    """Given to Ben of Finance for a day, against the rules."""
    case = problem()
    choice = Choice(team_id=finance_team.pk, person_id=ben.pk, until=now + ONE_DAY)
    return assign_case(case_id=case.pk, actor_id=lea.pk, choice=choice, now=now, version=1)


def test_a_case_goes_to_whom_a_lead_says_and_tells_so(
    given: ExceptionCase, ben: User, lea: User, finance_team: Team, now: datetime
) -> None:
    given.refresh_from_db()
    assert (given.team, given.owner, given.state) == (finance_team, ben, CaseState.NEW)
    assert (given.is_pinned, given.pinned_until) == (True, now + ONE_DAY)
    assert given.team_reason == "Chosen by Lea"
    event = given.events.latest("pk")
    assert (event.verb, event.actor, event.text) == ("assign", lea, "To Finance, Ben")
    record = given.assignments.latest("pk")
    assert (record.how, record.team, record.person) == ("PERSON", finance_team, ben)


def test_undo_puts_back_team_person_and_pin(
    given: ExceptionCase, lea: User, orders_team: Team, now: datetime
) -> None:
    event = given.events.latest("pk")

    acts.undo_act(event_id=event.pk, actor_id=lea.pk, now=now)

    given.refresh_from_db()
    assert (given.team, given.owner, given.state) == (orders_team, None, CaseState.NEW)
    assert (given.is_pinned, given.pinned_until) == (False, None)
    assert given.team_reason.startswith("Rule 10.")


@pytest.mark.usefixtures("finance_team")
@pytest.mark.parametrize("who", ["stranger", "leaver", "viewer"])
def test_nobody_gets_what_they_could_not_work_on(
    problem: OpenCase, lea: User, ana: User, ben: User, who: str
) -> None:
    chosen = ana if who == "stranger" else ben
    if who == "leaver":
        User.objects.filter(pk=ben.pk).update(is_active=False)
    if who == "viewer":
        ben.groups.clear()
    case, finance = problem(), Team.objects.get(slug="finance")
    choice = Choice(team_id=finance.pk, person_id=chosen.pk)

    with pytest.raises(NotTheirs):
        assign_case(case_id=case.pk, actor_id=lea.pk, choice=choice, now=timezone.now())

    case.refresh_from_db()
    assert (case.owner, case.version) == (None, 1)


def test_whoever_sees_everything_can_have_it(
    problem: OpenCase, lea: User, mia: User, finance_team: Team, now: datetime
) -> None:
    choice = Choice(team_id=finance_team.pk, person_id=mia.pk)

    assert assign_case(case_id=problem().pk, actor_id=lea.pk, choice=choice, now=now).owner == mia


def test_it_is_not_taken_from_a_colleague_unseen(
    problem: OpenCase, lea: User, ana: User, orders_team: Team, now: datetime
) -> None:
    case = problem()
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)

    with pytest.raises(VersionStale):
        assign_case(
            case_id=case.pk,
            actor_id=lea.pk,
            choice=Choice(team_id=orders_team.pk),
            now=now,
            version=1,
        )


def test_a_pin_that_ends_lets_the_rules_decide_and_leaves_the_person(
    given: ExceptionCase, ben: User, orders_team: Team, now: datetime
) -> None:
    assert unpin_due_cases(now=now + ONE_DAY - timedelta(seconds=1)) == 0
    assert unpin_due_cases(now=now + ONE_DAY) == 1
    assert unpin_due_cases(now=now + ONE_DAY) == 0

    given.refresh_from_db()
    assert (given.team, given.owner, given.is_pinned) == (orders_team, ben, False)
    verbs = [event.verb for event in given.events.order_by("pk")]
    assert verbs == ["opened", "assign", "unpinned", "moved"]


def test_what_was_given_without_a_pin_stays_until_the_rules_change(
    problem: OpenCase, lea: User, finance_team: Team, orders_team: Team, now: datetime
) -> None:
    case = problem()
    choice = Choice(team_id=finance_team.pk, is_pinned=False)
    assign_case(case_id=case.pk, actor_id=lea.pk, choice=choice, now=now)

    assert apply_rules(actor_id=None, now=now).moved == 0
    OwnershipRule.objects.create(position=30, code_prefix="inventory.", team=finance_team)
    assert apply_rules(actor_id=None, now=now).moved == 1

    case.refresh_from_db()
    assert case.team == orders_team


def test_only_a_pin_can_end(problem: OpenCase, now: datetime) -> None:
    case = problem()
    with (
        pytest.raises(IntegrityError, match="exceptions_case_pin_with_an_end_is_a_pin"),
        transaction.atomic(),
    ):
        ExceptionCase.objects.filter(pk=case.pk).update(pinned_until=now)


def test_whoever_leaves_keeps_no_work(
    problem: OpenCase, ana: User, ben: User, orders_team: Team, now: datetime
) -> None:
    claimed = put_in(problem("orders.a"), CaseState.CLAIMED, owner=ana)
    waits = put_in(problem("orders.b"), CaseState.WAITING, owner=ana)
    closed = put_in(problem("orders.c"), CaseState.RESOLVED, owner=ana)
    of_ben = put_in(problem("orders.d"), CaseState.CLAIMED, owner=ben)
    User.objects.filter(pk=ana.pk).update(is_active=False)

    assert release_work_of_leavers(now=now) == 2
    assert release_work_of_leavers(now=now) == 0

    states = {}
    for case in (claimed, waits, closed, of_ben):
        case.refresh_from_db()
        states[case.code] = (case.state, case.owner, case.team)
    assert states == {
        "orders.a": (CaseState.NEW, None, orders_team),
        "orders.b": (CaseState.WAITING, None, orders_team),
        "orders.c": (CaseState.RESOLVED, ana, orders_team),
        "orders.d": (CaseState.CLAIMED, ben, orders_team),
    }
    assert claimed.events.latest("pk").text == "Ana works here no more."
    assert CaseEvent.objects.filter(verb="release").count() == 2
    assert Assignment.objects.filter(how="RULE").count() == 4
