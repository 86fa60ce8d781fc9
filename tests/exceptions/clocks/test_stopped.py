"""A clock stands while somebody outside is waited for, and goes on with what was left."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User

from connectors.events import ConnectionChanged
from connectors.models import Connection
from exceptions.lifecycle import CaseState
from exceptions.models import Calendar, ExceptionCase
from exceptions.rows import sla_of
from exceptions.selectors import cases_in
from exceptions.services import acts
from retailhub.kernel.events import publish
from tests.exceptions.clocks.policies import H, M, policy
from tests.exceptions.conftest import OpenCase


def wait(case: ExceptionCase, who: User, now: datetime, waits_for: str = "CUSTOMER") -> None:
    acts.claim_case(case_id=case.pk, actor_id=who.pk, now=now)
    acts.wait_case(case_id=case.pk, actor_id=who.pk, on_whom="Ada", waits_for=waits_for, now=now)


def set_health(connection: Connection, health: str) -> None:
    Connection.objects.filter(pk=connection.pk).update(health=health)
    publish(ConnectionChanged(connection_id=connection.pk))


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
