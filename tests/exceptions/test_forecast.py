"""Will it breach at the present rate? Exact, for lines of known length."""

from __future__ import annotations

from datetime import datetime, timedelta

from exceptions.forecast import Forecast, forecasts
from exceptions.lifecycle import CaseState
from exceptions.models import ExceptionCase, Team
from tests.exceptions.conftest import OpenCase, put_in

M = timedelta(minutes=1)


def line(problem: OpenCase, now: datetime, *due_in: int) -> None:
    for minutes in due_in:
        case = problem(f"orders.x{ExceptionCase.objects.count()}")
        ExceptionCase.objects.filter(pk=case.pk).update(due_at=now + minutes * M)


def closed(problem: OpenCase, now: datetime, *ago: int) -> None:
    for minutes in ago:
        case = problem(f"orders.x{ExceptionCase.objects.count()}")
        put_in(case, CaseState.RESOLVED, closed_at=now - minutes * M)


def test_whoever_is_reached_after_its_deadline_will_breach(
    problem: OpenCase, orders_team: Team, now: datetime
) -> None:
    closed(problem, now, 1, 20, 40, 70)  # three in the hour: one in twenty minutes
    line(problem, now, 25, 39, 61, 75, 300)

    found = forecasts(now=now)[orders_team.pk]

    # Reached after 20, 40, 60, 80 and 100 minutes.
    assert found == Forecast(waiting=5, closed=3, will_miss=2, first_miss_at=now + 39 * M)
    assert found.text(now) == "2 will breach, the first in 39 min, at the present rate"


def test_a_team_that_closes_nothing_breaches_at_the_next_deadline(
    problem: OpenCase, orders_team: Team, now: datetime
) -> None:
    line(problem, now, 40, 50)

    assert forecasts(now=now)[orders_team.pk] == Forecast(2, 0, 2, now + 40 * M)


def test_what_stands_or_is_over_is_not_foretold(
    problem: OpenCase, orders_team: Team, now: datetime
) -> None:
    closed(problem, now, 5)
    line(problem, now, -10, 500, 40)
    stands = ExceptionCase.objects.latest("pk")
    put_in(stands, CaseState.NEW, paused_at=now, pause_reason="CONNECTION")

    found = forecasts(now=now)[orders_team.pk]

    assert found == Forecast(2, 1, 0, None)
    assert found.text(now) == "Keeps its deadlines"


def test_each_team_drains_at_its_own_rate(
    problem: OpenCase, orders_team: Team, now: datetime
) -> None:
    fast = Team.objects.create(slug="fast", name="Fast")
    closed(problem, now, *range(1, 61))
    ExceptionCase.objects.filter(closed_at__isnull=False).update(team=fast)
    line(problem, now, 30, 30)
    ExceptionCase.objects.filter(closed_at=None).update(team=fast)
    line(problem, now, 30)

    found = forecasts(now=now)

    assert {pk: one.will_miss for pk, one in found.items()} == {fast.pk: 0, orders_team.pk: 1}
    assert forecasts(now=now - timedelta(days=1)).keys() == found.keys()
