"""Cases given in turn: fair, never beyond what somebody can hold, never to who is away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from exceptions.lifecycle import CaseState
from exceptions.models import Absence, Assignment, ExceptionCase, Team
from exceptions.services import acts
from exceptions.services.turns import Place, deal, give_in_turn
from retailhub.kernel.roles import Role
from tests.conftest import ONE_DAY, person
from tests.exceptions.conftest import OpenCase, put_in
from tests.racing import at_once


@given(st.integers(0, 40), st.lists(st.integers(0, 6), max_size=6))
def test_nobody_gets_more_than_there_is_room_for_or_two_more_than_a_colleague_with_room(
    count: int, rooms: list[int]
) -> None:
    places = [Place(pk, room) for pk, room in enumerate(rooms)]

    dealt = deal(count, places)

    assert len(dealt) == min(count, sum(rooms))
    given_to = Counter(dealt)
    for place in places:
        assert given_to[place.person_id] <= place.room
        for other in places:
            has_room = given_to[other.person_id] < other.room
            assert not has_room or given_to[place.person_id] <= given_to[other.person_id] + 1


def test_whoever_waited_longest_comes_first(now: datetime) -> None:
    places = [Place(1, 9, now), Place(2, 9, now - ONE_DAY), Place(3, 9)]

    assert deal(4, places) == [3, 2, 1, 3]


@pytest.fixture
def desk(ana: User, orders_team: Team) -> Team:
    """Ana and Bea, who take turns."""
    orders_team.members.add(person("bea", "Bea", Role.AGENT))
    orders_team.gives_in_turn = True
    orders_team.capacity = 2
    orders_team.save()
    return orders_team


@pytest.fixture
def open_many(problem: OpenCase) -> Callable[[int], list[ExceptionCase]]:
    def make(count: int) -> list[ExceptionCase]:
        first = ExceptionCase.objects.count()
        return [problem(f"orders.x{first + n}") for n in range(count)]

    return make


def owners() -> list[str]:
    rows = ExceptionCase.objects.exclude(owner=None).order_by("pk")
    return list(rows.values_list("owner__username", flat=True))


def test_members_take_turns_until_nobody_has_room(
    desk: Team, open_many: Callable[[int], list[ExceptionCase]], now: datetime
) -> None:
    open_many(5)

    assert give_in_turn(now=now) == 4
    assert give_in_turn(now=now) == 0

    assert owners() == ["ana", "bea", "ana", "bea"]
    last = ExceptionCase.objects.get(owner=None)
    assert (last.team, last.version) == (desk, 1)
    given_to = ExceptionCase.objects.filter(owner__username="bea").first()
    assert given_to is not None
    assert (given_to.state, given_to.version) == (CaseState.NEW, 2)
    assert given_to.events.latest("pk").verb == "given"
    record = Assignment.objects.get(case=given_to, how="TURN")
    assert (record.team, record.person) == (desk, given_to.owner)


def test_the_line_goes_on_where_it_stopped(
    desk: Team, open_many: Callable[[int], list[ExceptionCase]], now: datetime
) -> None:
    open_many(1)
    give_in_turn(now=now)
    open_many(1)
    give_in_turn(now=now + timedelta(seconds=5))

    assert owners() == ["ana", "bea"]


@pytest.mark.parametrize("why", ["away", "switched off", "no role", "full", "other team"])
def test_nothing_is_given_to_who_can_not_take_it(
    desk: Team, open_many: Callable[[int], list[ExceptionCase]], now: datetime, ana: User, why: str
) -> None:
    if why == "away":
        Absence.objects.create(person=ana, begins_at=now, ends_at=now + ONE_DAY)
    elif why == "switched off":
        User.objects.filter(pk=ana.pk).update(is_active=False)
    elif why == "no role":
        ana.groups.clear()
    elif why == "full":
        for case in open_many(2):
            put_in(case, CaseState.CLAIMED, owner=ana)
    else:
        desk.members.remove(ana)
    waiting = open_many(2)

    give_in_turn(now=now)

    found = ExceptionCase.objects.filter(pk__in=[case.pk for case in waiting])
    assert set(found.values_list("owner__username", flat=True)) == {"bea"}


def test_somebody_is_back_at_the_moment_their_absence_ends(
    desk: Team, open_many: Callable[[int], list[ExceptionCase]], now: datetime, ana: User
) -> None:
    Absence.objects.create(person=ana, begins_at=now - ONE_DAY, ends_at=now)
    open_many(1)

    give_in_turn(now=now)

    assert owners() == ["ana"]


def test_what_waits_or_sleeps_leaves_room(
    desk: Team, open_many: Callable[[int], list[ExceptionCase]], now: datetime, ana: User
) -> None:
    for state, case in zip((CaseState.WAITING, CaseState.SNOOZED), open_many(2), strict=True):
        put_in(case, state, owner=ana)
    open_many(4)

    assert give_in_turn(now=now) == 4


def test_a_team_that_does_not_want_it_is_left_alone(
    desk: Team, open_many: Callable[[int], list[ExceptionCase]], now: datetime
) -> None:
    Team.objects.update(gives_in_turn=False)
    open_many(1)

    assert give_in_turn(now=now) == 0
    assert owners() == []


def test_claiming_what_was_given_is_to_say_one_is_at_it(
    desk: Team, open_many: Callable[[int], list[ExceptionCase]], now: datetime, ana: User
) -> None:
    (case,) = open_many(1)
    give_in_turn(now=now)

    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)

    case.refresh_from_db()
    assert (case.state, case.owner, case.team) == (CaseState.CLAIMED, ana, desk)


@pytest.mark.django_db(transaction=True)
def test_assigners_that_race_never_give_twice_or_too_much(
    desk: Team, open_many: Callable[[int], list[ExceptionCase]], now: datetime, ana: User
) -> None:
    twin = Team.objects.create(slug="twin", name="Twin", gives_in_turn=True, capacity=2)
    twin.members.set(desk.members.all())
    for case in open_many(12)[::2]:
        ExceptionCase.objects.filter(pk=case.pk).update(team=twin)

    at_once([partial(give_in_turn, now=now)] * 4)
    give_in_turn(now=now)

    assert Counter(owners()) == {"ana": 2, "bea": 2}
    assert Assignment.objects.filter(how="TURN").count() == 4


def test_an_absence_has_a_length_and_a_team_room(ana: User, desk: Team, now: datetime) -> None:
    with (
        pytest.raises(IntegrityError, match="exceptions_absence_ends_after_it_begins"),
        transaction.atomic(),
    ):
        Absence.objects.create(person=ana, begins_at=now, ends_at=now)
    with (
        pytest.raises(IntegrityError, match="exceptions_team_members_hold_at_least_one"),
        transaction.atomic(),
    ):
        Team.objects.filter(pk=desk.pk).update(capacity=0)
