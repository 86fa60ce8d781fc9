"""Who is at work in each team, with how much, and who is away?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from exceptions.forecast import forecasts
from exceptions.models import Absence, ExceptionCase, Team
from exceptions.rows import person
from exceptions.selectors import BUSY_STATES, User, teams_of, workers
from retailhub.kernel.roles import Ability, may

# Nobody reads a longer list of names; a team of so many is two.
MOST = 200


@dataclass(frozen=True)
class Member:
    """Somebody in a team: how many cases they hold, and until when they are away."""

    name: str
    held: int
    away_until: datetime | None


@dataclass(frozen=True)
class TeamAtWork:
    """A team with its people."""

    name: str
    gives_in_turn: bool
    capacity: int
    open_cases: int
    unowned: int
    members: list[Member]
    forecast: str


def teams_at_work(*, now: datetime) -> list[TeamAtWork]:
    """Every team with its members, by name. Six queries, however many they are."""
    teams = Team.objects.order_by("name", "pk").prefetch_related("members")
    busy = ExceptionCase.objects.filter(state__in=BUSY_STATES)
    held = dict(busy.exclude(owner=None).values_list("owner").annotate(Count("pk")).order_by())
    counts = {
        pk: (total, unowned)
        for pk, total, unowned in busy.values_list("team")
        .annotate(total=Count("pk"), unowned=Count("pk", filter=Q(owner=None)))
        .order_by()
    }
    away = dict(_away(now).values_list("person", "ends_at").order_by("ends_at"))
    rates = forecasts(now=now)
    at_work = set(workers().values_list("pk", flat=True))
    return [
        TeamAtWork(
            team.name,
            team.gives_in_turn,
            team.capacity,
            *counts.get(team.pk, (0, 0)),
            [
                Member(person(user), held.get(user.pk, 0), away.get(user.pk))
                for user in sorted(team.members.all(), key=person)
                if user.pk in at_work
            ],
            rates[team.pk].text(now) if team.pk in rates else "",
        )
        for team in teams
    ]


def colleagues_of(user: User) -> QuerySet[Any]:
    """People of the user's teams who work on cases; everybody, for those who see everything."""
    people = workers().order_by("first_name", "username", "pk")
    if may(user, Ability.SEE_EVERYTHING):
        return people
    mine = Team.objects.filter(pk__in=teams_of(user).values("pk"))
    return people.filter(pk__in=mine.values("members"))


def absences_of(user: User, *, now: datetime) -> QuerySet[Absence]:
    """Who of them is away, or will be, the soonest first."""
    rows = Absence.objects.filter(ends_at__gt=now, person__in=colleagues_of(user).values("pk"))
    return rows.select_related("person").order_by("begins_at", "pk")


def _away(now: datetime) -> QuerySet[Absence]:
    return Absence.objects.filter(begins_at__lte=now, ends_at__gt=now)


def colleagues_at(case: ExceptionCase, user: User) -> list[tuple[str, str]]:
    """Who could be given `case`: people of its team and of the user's own, as options."""
    near = Team.objects.filter(Q(pk=case.team_id or 0) | Q(pk__in=teams_of(user).values("pk")))
    people = workers().filter(Q(pk__in=near.values("members")) | Q(pk=case.owner_id or 0))
    return [(str(one.pk), person(one)) for one in people.order_by("first_name", "pk")[:MOST]]
