"""New cases go to the members of a team one after another, while they have room."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Count, Max

from exceptions.events import CasesChanged
from exceptions.models import Assignment, CaseEvent, ExceptionCase, Team
from exceptions.selectors import BUSY_STATES, present_workers, without_parked
from exceptions.services.cases import snapshot
from retailhub.kernel.events import publish
from retailhub.kernel.rows import insert_rows, update_rows

BATCH = 500
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """Somebody's place in the line, and for how many more cases they have room."""

    person_id: int
    room: int
    last_given_at: datetime = _NEVER


def deal(count: int, places: Sequence[Place]) -> list[int]:
    """To whom the next `count` cases go; fewer when nobody has room. Pure.

    Whoever was given something longest ago comes first, then the line goes round.
    """
    line = deque(sorted(places, key=lambda place: (place.last_given_at, place.person_id)))
    room = {place.person_id: place.room for place in places}
    dealt: list[int] = []
    while line and len(dealt) < count:
        person_id = line.popleft().person_id
        if room[person_id] <= 0:
            continue
        dealt.append(person_id)
        room[person_id] -= 1
        line.append(Place(person_id, room[person_id]))
    return dealt


def give_in_turn(*, now: datetime) -> int:
    """Give what waits in teams that want it so. Returns how many cases found somebody."""
    teams = Team.objects.filter(gives_in_turn=True).order_by("pk")
    return sum(_give(pk, now) for pk in list(teams.values_list("pk", flat=True)))


@transaction.atomic
def _give(team_id: int, now: datetime) -> int:
    # One at a time per team: a second worker leaves it to the first.
    teams = Team.objects.select_for_update(skip_locked=True)
    team = teams.filter(pk=team_id, gives_in_turn=True).first()
    if team is None:
        return 0
    places = _places(team, now)
    room = sum(place.room for place in places)
    waiting = without_parked(ExceptionCase.objects.filter(team=team, state="NEW", owner=None))
    locked = waiting.select_for_update(of=("self",), skip_locked=True)
    cases = list(locked.order_by("-is_late", "-harm", "pk")[: min(room, BATCH)])
    for case, person_id in zip(cases, deal(len(cases), places), strict=True):
        case.owner_id = person_id
    _write(team, cases, now)
    return len(cases)


def _places(team: Team, now: datetime) -> list[Place]:
    """Members who are here and free for a moment: locked, so that no other team fills them too."""
    people = list(
        present_workers(now)
        .filter(pk__in=team.members.values("pk"))
        .select_for_update(of=("self",), skip_locked=True, no_key=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    busy = ExceptionCase.objects.filter(owner__in=people, state__in=BUSY_STATES)
    held = dict(busy.values_list("owner").annotate(Count("pk")).order_by())
    turns = Assignment.objects.filter(person__in=people, how=Assignment.How.TURN)
    last = dict(turns.values_list("person").annotate(Max("at")).order_by())
    return [
        Place(pk, max(team.capacity - held.get(pk, 0), 0), last.get(pk, _NEVER)) for pk in people
    ]


def _write(team: Team, cases: Sequence[ExceptionCase], now: datetime) -> None:
    for case in cases:
        case.version += 1
    update_rows(cases, ["owner", "version"])
    insert_rows([_assignment(case, now) for case in cases], needs_ids=False)
    insert_rows([_event(case, team, now) for case in cases], needs_ids=False)
    publish(CasesChanged(cases=tuple((case.pk, case.version) for case in cases)))


def _assignment(case: ExceptionCase, now: datetime) -> Assignment:
    return Assignment(
        case=case,
        how=Assignment.How.TURN,
        team_id=case.team_id,
        person_id=case.owner_id,
        rules_version=case.rules_version,
        explanation={},
        at=now,
    )


def _event(case: ExceptionCase, team: Team, now: datetime) -> CaseEvent:
    after = snapshot(case)
    text = f"The next one in turn of {team}."
    before = after | {"owner": None}
    return CaseEvent(case=case, verb="given", text=text, before=before, after=after, at=now)
