"""The two clocks of a case: what sets, meets, stops and never hides a deadline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from connectors.events import ConnectionChanged
from connectors.models import Connection
from exceptions.lifecycle import CaseState
from exceptions.models import Calendar, ClosedDay, ExceptionCase, SlaPolicy, WorkingHours
from exceptions.rows import clock_facts, sla_of
from exceptions.selectors import cases_in
from exceptions.services import acts
from exceptions.services.assign import Choice, assign_case
from exceptions.services.calendars import read_hours
from exceptions.services.sweep import wake_due_cases
from retailhub.kernel.events import publish
from tests.exceptions.conftest import OpenCase

H, M = timedelta(hours=1), timedelta(minutes=1)
# A Wednesday, ten in the morning in Berlin.
WEDNESDAY = datetime(2026, 11, 25, 9, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return WEDNESDAY


@pytest.fixture
def office(db: None) -> Calendar:
    """Nine to five in Berlin, on weekdays."""
    calendar = Calendar.objects.create(name="Office", time_zone="Europe/Berlin", country="DE")
    for weekday in range(5):
        WorkingHours.objects.create(calendar=calendar, weekday=weekday)
    return calendar


def policy(**columns: Any) -> SlaPolicy:
    return SlaPolicy.objects.create(**{"resolve_minutes": 120, **columns})


# --- Set ---------------------------------------------------------------------------------------


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


def test_public_holidays_and_own_closed_days_do_not_count(office: Calendar) -> None:
    ClosedDay.objects.create(calendar=office, day=date(2026, 12, 24), name="Christmas Eve")
    hours = read_hours(office)
    assert hours is not None

    closed = [day for day in range(20, 32) if hours.is_closed(date(2026, 12, day))]

    assert closed == [24, 25, 26]
    assert not hours.is_closed(date(2026, 6, 4))
    office.subdivision = "BY"
    bavarian = read_hours(office)
    assert bavarian is not None
    assert bavarian.is_closed(date(2026, 6, 4))  # Corpus Christi, in some of the country


def test_a_calendar_without_hours_counts_round_the_clock(db: None) -> None:
    assert read_hours(Calendar.objects.create(name="Empty", time_zone="UTC")) is None


# --- Met ---------------------------------------------------------------------------------------


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


@pytest.fixture
def lea(orders_team: Any) -> User:
    lead = User.objects.create(username="lea", first_name="Lea")
    orders_team.members.add(lead)
    return lead


# --- Stopped -----------------------------------------------------------------------------------


def wait(case: ExceptionCase, who: User, now: datetime, waits_for: str = "CUSTOMER") -> None:
    acts.claim_case(case_id=case.pk, actor_id=who.pk, now=now)
    acts.wait_case(case_id=case.pk, actor_id=who.pk, on_whom="Ada", waits_for=waits_for, now=now)


def test_the_clock_stands_while_we_wait_and_goes_on_with_what_was_left(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = problem("connectors.mapping_missing")
    wait(case, ana, now + 20 * M)
    case.refresh_from_db()
    assert (case.paused_at, case.pause_reason) == (now + 20 * M, "WAITING")
    assert [sla.state for sla in [sla_of(case, now + 5 * H)] if sla] == ["paused"]
    assert not cases_in("breaching", user=ana, now=now + 5 * H).exists()

    acts.wake_case(case_id=case.pk, actor_id=ana.pk, now=now + 5 * H)

    case.refresh_from_db()
    assert (case.due_at, case.paused_at, case.pause_reason) == (now + 5 * H + 40 * M, None, "")
    assert case.paused_for == 5 * H - 20 * M


def test_over_night_what_was_left_is_working_time(
    problem: OpenCase, ana: User, now: datetime, office: Calendar
) -> None:
    policy(calendar=office, resolve_minutes=8 * 60)
    case = problem()
    wait(case, ana, now + 6 * H)  # at four, with two hours left of which one is tomorrow

    acts.wake_case(case_id=case.pk, actor_id=ana.pk, now=now + 48 * H)

    case.refresh_from_db()
    assert case.due_at == now + 50 * H


@pytest.mark.parametrize(
    ("column", "waits_for"),
    [("pauses_for_customer", "CUSTOMER"), ("pauses_for_vendor", "VENDOR"), (None, "INSIDE")],
)
def test_it_goes_on_where_the_policy_or_nobody_outside_is_the_reason(
    problem: OpenCase, ana: User, now: datetime, column: str | None, waits_for: str
) -> None:
    policy(**({column: False} if column else {}))
    case = problem()

    wait(case, ana, now, waits_for)

    case.refresh_from_db()
    assert (case.state, case.paused_at) == (CaseState.WAITING, None)
    assert case.due_at == now + 2 * H


def test_taking_back_a_wait_takes_back_the_pause_and_the_other_way_round(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = problem()
    wait(case, ana, now)
    acts.undo_act(event_id=case.events.latest("pk").pk, actor_id=ana.pk, now=now + H)
    case.refresh_from_db()
    assert (case.state, case.paused_at) == (CaseState.CLAIMED, None)

    acts.wait_case(case_id=case.pk, actor_id=ana.pk, on_whom="Ada", now=now + H)
    acts.wake_case(case_id=case.pk, actor_id=ana.pk, now=now + H)
    acts.undo_act(event_id=case.events.latest("pk").pk, actor_id=ana.pk, now=now + H)

    case.refresh_from_db()
    assert (case.state, case.paused_at) == (CaseState.WAITING, now + H)


def test_what_was_over_stays_over(problem: OpenCase, ana: User, now: datetime) -> None:
    case = problem("connectors.mapping_missing")
    wait(case, ana, now + 2 * H)
    acts.wake_case(case_id=case.pk, actor_id=ana.pk, now=now + 9 * H)

    case.refresh_from_db()
    assert case.due_at == now + H


def set_health(connection: Connection, health: str) -> None:
    Connection.objects.filter(pk=connection.pk).update(health=health)
    publish(ConnectionChanged(connection_id=connection.pk))


def test_a_connection_that_is_down_has_one_case_whose_clock_runs(
    problem: OpenCase,
    ana: User,
    shop: Connection,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [now]
    monkeypatch.setattr("exceptions.subscribers.timezone.now", lambda: clock[0])
    before, waits = problem("connectors.rejected"), problem("connectors.mapping_missing")
    other = problem("orders.unknown", connection_id=None)
    wait(waits, ana, now)

    clock[0] = now + 10 * M
    set_health(shop, "DOWN")
    during = problem("connectors.invalid_body")

    def pauses() -> dict[str, str]:
        return dict(ExceptionCase.objects.values_list("code", "pause_reason"))

    assert pauses() == {
        "connectors.rejected": "CONNECTION",
        "connectors.mapping_missing": "WAITING",
        "orders.unknown": "",
        "connectors.connection_down": "",
        "connectors.invalid_body": "CONNECTION",
    }

    clock[0] = now + 70 * M
    set_health(shop, "HEALTHY")

    due = before.due_at
    for case in (before, during, other, waits):
        case.refresh_from_db()
    assert before.due_at == due + H
    assert during.due_at > now + 70 * M
    assert (other.paused_for, waits.pause_reason) == (timedelta(0), "WAITING")
    parent = ExceptionCase.objects.get(code="connectors.connection_down")
    assert (parent.state, parent.paused_for) == (CaseState.RESOLVED, timedelta(0))


def test_waiting_through_an_outage_ends_when_both_have(
    problem: OpenCase, ana: User, shop: Connection, now: datetime
) -> None:
    case = problem("connectors.rejected")
    set_health(shop, "DOWN")
    wait(case, ana, now)
    acts.wake_case(case_id=case.pk, actor_id=ana.pk, now=now)
    case.refresh_from_db()
    assert case.pause_reason == "CONNECTION"

    set_health(shop, "HEALTHY")

    case.refresh_from_db()
    assert (case.paused_at, case.pause_reason) == (None, "")


# --- Never hidden ------------------------------------------------------------------------------


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


# --- Rows that make no sense --------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"time_zone": "Berlin"}, "There is no such time zone"),
        ({"country": "XX"}, "are not known here"),
        ({"country": "DE", "subdivision": "QQ"}, "are not known here"),
    ],
)
def test_a_calendar_names_a_zone_and_a_country_that_there_are(
    columns: dict[str, str], said: str
) -> None:
    row = Calendar(**{"name": "X", "time_zone": "Europe/Berlin", **columns})

    with pytest.raises(ValidationError, match=said):
        row.full_clean(validate_unique=False, validate_constraints=False)
