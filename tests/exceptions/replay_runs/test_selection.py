"""What was selected is what is replayed, once, and the plan counts every case."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connectors.models import OutboundMessage
from exceptions.errors import NothingSelected, SelectionExpired
from exceptions.models import BulkScope, ExceptionCase, ReplayRun
from exceptions.services.plan_replay import plan_replay
from exceptions.services.replay import replay_case
from exceptions.services.runs import cases_for
from exceptions.services.select_cases import MOST_SELECTED, forget_selections, select_cases
from exceptions.services.start_run import start_run
from tests.exceptions.conftest import Stopped
from tests.exceptions.runs import Clock, Erp, ends, numbers


def test_what_comes_after_the_selection_is_never_in_it(
    netsuite: Erp, stuck: Any, stopped_effect: Stopped, mia: User, clock: Clock
) -> None:
    netsuite.refusal = ""
    stuck(2)
    now = clock.now
    scope = select_cases(ExceptionCase.objects.all(), by=mia, now=now, query={"view": "open"})
    late = stopped_effect("LATE")

    run = start_run(scope_id=scope.pk, by=mia, now=now)
    clock.until(lambda: ends(run))

    late.refresh_from_db()
    assert (late.state, late.version) == ("NEW", 1)
    assert numbers(run) == {"DONE": 2}


def test_a_selection_starts_once_and_is_nobody_else_s(
    netsuite: Erp, stuck: Any, mia: User, ana: User
) -> None:
    stuck(2)
    now = timezone.now()
    scope = select_cases(ExceptionCase.objects.all(), by=mia, now=now)

    with pytest.raises(SelectionExpired):
        start_run(scope_id=scope.pk, by=ana, now=now)
    first = start_run(scope_id=scope.pk, by=mia, now=now)
    assert start_run(scope_id=scope.pk, by=mia, now=now) == first
    assert ReplayRun.objects.count() == 1


def test_an_old_or_empty_selection_starts_nothing(
    netsuite: Erp, stuck: Any, mia: User, now: datetime
) -> None:
    stuck(1)
    scope = select_cases(ExceptionCase.objects.all(), by=mia, now=now)
    with pytest.raises(SelectionExpired):
        start_run(scope_id=scope.pk, by=mia, now=now + timedelta(days=1))
    with pytest.raises(NothingSelected):
        select_cases(ExceptionCase.objects.none(), by=mia, now=now)
    assert forget_selections(now=now + timedelta(days=1)) == 1
    assert not BulkScope.objects.exists()
    assert MOST_SELECTED == 10_000


def test_the_plan_counts_every_case_once(
    stopped_effect: Stopped, stopped_message: Stopped, problem: Any, mia: User,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    ready = [stopped_effect(f"R{n}") for n in range(3)]
    done = stopped_effect("SENT")
    for state in ("READY", "SENDING", "SENT"):
        OutboundMessage.objects.filter(pk=done.outbound_id or 0).update(state=state)
    running, closed = stopped_effect("RUNNING"), stopped_effect("CLOSED")
    replay_case(case_id=running.pk, actor_id=mia.pk, now=timezone.now())
    ExceptionCase.objects.filter(pk=closed.pk).update(state="IGNORED", closed_at=timezone.now())
    context = {"table": "SKU", "external_code": "NOPE"}
    unmapped = stopped_message(
        "k1", state="PARKED", error_code="connectors.mapping_missing", error_context=context
    )
    nothing = problem()
    ExceptionCase.objects.filter(pk=ready[0].pk).update(value=10, currency="EUR")

    ids = [case.pk for case in (*ready, done, running, closed, unmapped, nothing)]
    with django_assert_max_num_queries(10):
        plan = plan_replay([*ids, 10**9], visible=cases_for(mia))

    assert {outcome.value: n for outcome, n in plan.outcomes.items()} == {
        "ready": 3, "already done": 1, "running": 1, "closed": 1, "needs mapping": 1,
        "nothing": 1, "no access": 1,
    }  # fmt: skip
    assert sum(plan.outcomes.values()) == plan.selected == 9
    assert (plan.taken, plan.target, plan.title) == (
        3,
        "NetSuite",
        "Replay 3 exceptions to NetSuite",
    )
    assert {currency: str(amount) for currency, amount in plan.money.items()} == {"EUR": "10.00"}
    assert plan.left_out.startswith("6 of the 9 you chose are left out: 1 already running, 1 need")
