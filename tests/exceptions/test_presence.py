"""Who else has a case open: by name, only for those who may see the case, and never for long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from exceptions.models import ExceptionCase, Presence, Team
from exceptions.presence import FRESH, Company, company_at
from exceptions.services.presence import forget_tabs, look_at, look_away
from exceptions.walk import Walk, ahead
from retailhub.kernel.roles import Role
from tests.conftest import person
from tests.exceptions.conftest import Stopped

AT_TWO = datetime(2026, 11, 25, 13, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def case(orders_team: Team, stopped_message: Stopped) -> ExceptionCase:
    return stopped_message("k1")


@pytest.fixture
def other(orders_team: Team, stopped_message: Stopped) -> ExceptionCase:
    return stopped_message("k2")


@pytest.fixture
def carl(orders_team: Team) -> User:
    """A colleague of Ana's."""
    user = person("carl", "Carl", Role.AGENT)
    orders_team.members.add(user)
    return user


_clock = count()


def opens(user: User, case: ExceptionCase, *, edit: bool = False, tab: UUID | None = None) -> bool:
    """The user opens the case in a tab. False when it can't be noted."""
    now = AT_TWO + timedelta(milliseconds=next(_clock))  # later than whoever came before
    found = look_at(
        tab=tab or uuid4(), person_id=user.pk, case_id=case.pk, is_editing=edit, now=now
    )
    return found is not None


def words(case: ExceptionCase, user: User, *, at: datetime = AT_TWO) -> Company:
    with timezone.override("Europe/Berlin"):
        return company_at(case.pk, user=user, now=at)


def test_says_who_views_and_who_edits_since_when_but_not_oneself(
    case: ExceptionCase, ana: User, carl: User, mia: User
) -> None:
    opens(ana, case)
    assert words(case, ana) == Company()
    opens(carl, case)
    assert words(case, ana) == Company("Carl is viewing")
    opens(mia, case)
    assert words(case, ana) == Company("Carl and Mia are viewing")
    opens(carl, case, edit=True)
    assert words(case, ana) == Company("Carl is editing since 14:02 · Mia is viewing", True)
    for name in ("Dora", "Emil"):
        opens(person(name.lower(), name, Role.ADMIN), case)
    assert words(case, carl).text == "Ana, Mia and 2 more are viewing"


def test_a_tab_is_at_one_case_and_keeps_the_time_it_came(
    case: ExceptionCase, other: ExceptionCase, ana: User, carl: User
) -> None:
    tab, later = uuid4(), AT_TWO + MINUTE / 2
    for now in (AT_TWO, later):
        look_at(tab=tab, person_id=carl.pk, case_id=case.pk, is_editing=True, now=now)
    assert words(case, ana, at=later).text == "Carl is editing since 14:02"
    look_at(tab=tab, person_id=carl.pk, case_id=other.pk, is_editing=False, now=later)
    assert words(case, ana, at=later) == Company()
    assert words(other, ana, at=later).text == "Carl is viewing"
    look_away(tab=tab)
    assert not Presence.objects.exists()


def test_a_tab_that_died_is_gone_after_a_minute(case: ExceptionCase, ana: User, carl: User) -> None:
    opens(carl, case)
    assert words(case, ana, at=AT_TWO + FRESH - MINUTE / 2).text == "Carl is viewing"
    assert words(case, ana, at=AT_TWO + FRESH + MINUTE) == Company()
    assert forget_tabs(now=AT_TWO + FRESH - MINUTE / 2) == 0
    assert forget_tabs(now=AT_TWO + FRESH + MINUTE) == 1


def test_nobody_is_seen_at_a_case_that_is_not_theirs(
    case: ExceptionCase, ana: User, ben: User, finance_team: Team
) -> None:
    assert not opens(ben, case)
    assert not opens(ben, ExceptionCase(pk=999_999))
    assert words(case, ana) == Company()
    tab = uuid4()
    assert opens(ana, case, tab=tab)
    Team.objects.get(slug="orders").members.remove(ana)
    assert not opens(ana, case, edit=True, tab=tab)
    assert not Presence.objects.exists()


def test_a_walk_goes_around_what_others_are_editing(
    case: ExceptionCase, other: ExceptionCase, ana: User, carl: User
) -> None:
    opens(carl, case, edit=True)
    opens(carl, other)
    opens(ana, other, edit=True)
    walk = Walk({"view": "open"})
    assert list(ahead(walk, user=ana, now=AT_TWO)) == [other]
    assert list(ahead(walk, user=carl, now=AT_TWO)) == [case]
    assert len(ahead(walk, user=ana, now=AT_TWO + FRESH + MINUTE)) == 2
