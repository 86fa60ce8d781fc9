"""Replays of many: a few first, judged by facts, stopped in time, and never anything twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from connectors.models import Connection, OutboundMessage
from connectors.registry import SINKS
from connectors.services.pause import pause_connection, resume_connection
from connectors.systems.base import Account, Intent, Receipt
from connectors.systems.http import HttpClient, RemoteRejected
from exceptions.errors import NothingSelected, SelectionExpired, VerbNotAllowed
from exceptions.models import BulkScope, CaseEvent, ExceptionCase, ReplayItem, ReplayRun, Team
from exceptions.services.acts import claim_case
from exceptions.services.drive_run import drive_due_run
from exceptions.services.plan_replay import plan_replay
from exceptions.services.replay import replay_case
from exceptions.services.runs import cases_for
from exceptions.services.select_cases import MOST_SELECTED, forget_selections, select_cases
from exceptions.services.start_run import start_run
from exceptions.services.steer_run import dismiss_run, steer_run
from tests.browser.world import FakeSink
from tests.exceptions.runs import Clock, ends, numbers
from tests.racing import at_once

Stopped = Callable[..., ExceptionCase]


@dataclass
class Erp(FakeSink):
    """Refuses everything until its `refusal` is taken away; what it `refuses` by key, for ever."""

    refusal: str = "Sign-in rejected."
    refuses: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        self.asked.append(intent.effect_key)
        if intent.effect_key in self.refuses:
            raise RemoteRejected("Not this one.", status=400, answer="Not this one.")
        return super().send(http, account, intent)


@pytest.fixture
def netsuite(monkeypatch: pytest.MonkeyPatch) -> Erp:
    sink = Erp()
    monkeypatch.setitem(SINKS, "netsuite", sink)
    return sink


@pytest.fixture(autouse=True)
def _as_on_a_quick_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look takes no time, so that what a test sees does not hang on the machine."""
    monkeypatch.setattr("exceptions.services.drive_run.SLICE_SECONDS", 600.0)
    monkeypatch.setattr("exceptions.services.drive_run.REST", 0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(mia: User, clock: Clock) -> Callable[..., ReplayRun]:
    """Select every open case and start, as Mia."""

    def begin(**more: Any) -> ReplayRun:
        now = clock.now
        cases = ExceptionCase.objects.exclude(state__in=["RESOLVED", "IGNORED"])
        return start_run(scope_id=select_cases(cases, by=mia, now=now).pk, by=mia, now=now, **more)

    return begin


@pytest.fixture
def stuck(stopped_effect: Stopped) -> Callable[[int], list[ExceptionCase]]:
    return lambda count: [stopped_effect(f"R{n}") for n in range(1, count + 1)]


# --- The rehearsal ---------------------------------------------------------------------------


def test_stops_itself_in_the_first_few_while_the_cause_is_not_fixed(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock
) -> None:
    stuck(30)
    run = start()

    clock.until(lambda: ends(run))

    assert run.state == "STOPPED"
    assert run.stop_reason.startswith("Stopped after 5 equal failures: ")
    assert run.stop_reason.endswith("25 not sent.")
    assert numbers(run) == {"FAILED": 5, "PENDING": 25}
    assert len(netsuite.asked) == 5
    assert ExceptionCase.objects.filter(failed_again=1, state="NEW").count() == 5


def test_finishes_with_the_cause_fixed_in_growing_steps(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock
) -> None:
    netsuite.refusal = ""
    stuck(60)
    run = start()

    clock.until(lambda: ends(run))

    assert (run.state, numbers(run)) == ("DONE", {"DONE": 60})
    widened = run.events.filter(verb="widen").order_by("pk").values_list("text", flat=True)
    assert list(widened) == ["The next 10", "The next 20", "All 25 that are left"]
    assert run.finished_at is not None
    assert run.dismissed_at is not None, "nothing failed, so nobody must close it"
    assert sorted(netsuite.sent) == sorted(set(netsuite.sent))
    assert ExceptionCase.objects.filter(state="RESOLVED", resolution="replay").count() == 60


def test_resumed_after_a_stop_it_tries_the_first_few_again(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    stuck(12)
    run = start()
    clock.until(lambda: ends(run))
    netsuite.refusal = ""

    steer_run(run_id=run.pk, verb="resume", actor_id=mia.pk, now=clock.now)
    run.refresh_from_db()
    assert (run.allowed, run.stage) == (10, "CANARY")
    clock.until(lambda: ends(run))

    assert (run.state, numbers(run)) == ("DONE", {"DONE": 7, "FAILED": 5})
    assert run.dismissed_at is None, "five failed, so a person must see it"
    dismiss_run(run_id=run.pk, actor_id=mia.pk, now=clock.now)
    run.refresh_from_db()
    assert run.dismissed_at is not None


def test_stops_when_too_many_fail_for_different_reasons(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = iter(["alpha", "beta", "gamma", "delta", "epsilon"] * 9)
    stuck(30)
    run = start()

    def look() -> bool:
        netsuite.refusal = f"Refused: {next(words)}" if netsuite.refusal else ""
        return ends(run)

    monkeypatch.setattr("exceptions.services.drive_run.math.floor", lambda _: 1)
    clock.until(look)

    assert run.state == "STOPPED"
    assert run.stop_reason == "Stopped because 5 of the last 5 failed again. 25 not sent."


def test_one_bad_apple_does_not_stop_the_rest(
    netsuite: Erp, stuck: Any, stopped_effect: Stopped, start: Any, clock: Clock
) -> None:
    netsuite.refusal = ""
    cases = stuck(20)
    bad = cases[3].outbound
    assert bad is not None
    netsuite.refuses.add(bad.effect_key)
    run = start()

    clock.until(lambda: ends(run))

    assert (run.state, numbers(run)) == ("DONE", {"DONE": 19, "FAILED": 1})


def test_the_first_few_try_every_cause(
    netsuite: Erp, stopped_effect: Stopped, stopped_message: Stopped, start: Any
) -> None:
    for n in range(6):
        stopped_message(f"k{n}")
    stopped_effect("R1")
    stopped_effect("R2")

    run = start()

    first = run.items.filter(number__lte=4).values_list("case__code", flat=True)
    assert sorted(first) == ["connectors.invalid_body"] * 2 + ["connectors.rejected"] * 2


# --- Pace ------------------------------------------------------------------------------------


def test_keeps_to_half_of_what_the_system_allows(
    netsuite: Erp, erp: Connection, stuck: Any, start: Any, clock: Clock
) -> None:
    netsuite.refusal = ""
    Connection.objects.filter(pk=erp.pk).update(rate_per_second=8)
    stuck(40)
    run = start()
    Connection.objects.filter(pk=erp.pk).update(rate_per_second=10_000)
    began = clock.now

    clock.until(lambda: ends(run))

    assert run.plan["per_second"] == 4
    assert (clock.now - began).total_seconds() >= 40 / 4
    times = list(run.items.order_by("sent_at").values_list("sent_at", flat=True))
    for first, tenth in zip(times, times[9:], strict=False):
        assert tenth - first >= timedelta(seconds=1), "ten within a second"


def test_gives_way_to_live_calls_that_wait(
    netsuite: Erp, erp: Connection, stuck: Any, stopped_effect: Stopped, start: Any,
    clock: Clock,
) -> None:  # fmt: skip
    netsuite.refusal = ""
    stuck(10)
    live = stopped_effect("LIVE")
    OutboundMessage.objects.filter(pk=live.outbound_id or 0).update(
        state="READY", next_attempt_at=timezone.now() - timedelta(seconds=5)
    )
    ExceptionCase.objects.filter(pk=live.pk).update(state="IGNORED", closed_at=timezone.now())
    run = start()

    drive_due_run(now=clock.now)

    run.refresh_from_db()
    assert numbers(run) == {"PENDING": 10}
    assert run.held_by == "Live calls to NetSuite go first"
    clock.until(lambda: ends(run))
    assert numbers(run) == {"DONE": 10}
    assert netsuite.sent[0] == "order.post:LIVE"


def test_a_paused_connection_holds_up_its_own_items_only(
    netsuite: Erp, erp: Connection, stuck: Any, stopped_message: Stopped, start: Any,
    clock: Clock,
) -> None:  # fmt: skip
    netsuite.refusal = ""
    stuck(3)
    stopped_message("k1", error_code="connectors.unexpected", error_detail="Oops.")
    pause_connection(connection_id=erp.pk, reason="Night", now=timezone.now())
    run = start()
    assert run.plan["outcomes"] == {"paused": 3, "ready": 1}

    for _ in range(5):
        clock.look()

    run.refresh_from_db()
    assert numbers(run) == {"FAILED": 1, "PENDING": 3}
    assert run.held_by == "NetSuite is paused"
    resume_connection(connection_id=erp.pk, now=timezone.now())
    clock.until(lambda: ends(run))
    assert numbers(run) == {"FAILED": 1, "DONE": 3}


def test_holds_its_worker_for_a_moment_only_and_rests_after_it(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exceptions.services.drive_run.SLICE_SECONDS", 0.0)
    monkeypatch.setattr("exceptions.services.drive_run.REST", 1e6)
    stuck(5)
    run = start()

    drive_due_run(now=clock.now)

    run.refresh_from_db()
    assert numbers(run) == {"SENT": 1, "PENDING": 4}
    assert run.next_look_at is not None
    assert run.next_look_at > clock.now + timedelta(minutes=1)


# --- People meanwhile --------------------------------------------------------------------------


def test_cancel_sends_nothing_more_and_the_numbers_add_up(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    netsuite.refusal = ""
    stuck(20)
    run = start()
    clock.look()
    sent = len(netsuite.sent)

    steer_run(run_id=run.pk, verb="cancel", actor_id=mia.pk, now=clock.now)
    clock.until(lambda: ends(run))

    assert sent == 5
    assert len(netsuite.sent) == sent
    assert (run.state, numbers(run)) == ("CANCELLED", {"DONE": 5, "CANCELLED": 15})
    with pytest.raises(VerbNotAllowed):
        steer_run(run_id=run.pk, verb="resume", actor_id=mia.pk, now=clock.now)


def test_paused_it_sends_nothing_but_still_sees_what_ended(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    netsuite.refusal = ""
    stuck(20)
    run = start()
    drive_due_run(now=clock.now)
    steer_run(run_id=run.pk, verb="pause", actor_id=mia.pk, now=clock.now)

    clock.until(lambda: ends(run))

    assert numbers(run) == {"DONE": 5, "PENDING": 15}
    steer_run(run_id=run.pk, verb="resume", actor_id=mia.pk, now=clock.now)
    clock.until(lambda: ends(run))
    assert numbers(run) == {"DONE": 20}


def test_one_that_somebody_replays_or_closes_meanwhile_is_left_out(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    netsuite.refusal = ""
    cases = stuck(8)
    run = start()
    replay_case(case_id=cases[6].pk, actor_id=mia.pk, now=clock.now)
    ExceptionCase.objects.filter(pk=cases[7].pk).update(state="IGNORED", closed_at=timezone.now())

    clock.until(lambda: ends(run))

    assert numbers(run) == {"DONE": 6, "SKIPPED": 2}
    why = run.items.filter(state="SKIPPED").order_by("number").values_list("why", flat=True)
    assert why[1] == "closed"
    assert why[0] in {"running", "closed"}
    assert len(netsuite.sent) == 7


def test_a_case_that_is_somebody_s_stays_theirs(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, ana: User
) -> None:
    (case,) = stuck(1)
    claim_case(case_id=case.pk, actor_id=ana.pk, now=timezone.now())
    run = start()

    clock.until(lambda: ends(run))

    case.refresh_from_db()
    assert (case.state, case.owner, case.failed_again) == ("CLAIMED", ana, 1)
    replayed = CaseEvent.objects.get(case=case, verb="replay")
    assert replayed.text == f"Sent again with key order.post:R1 · replay run {run.pk}"


def test_rights_are_asked_again_when_it_runs(
    netsuite: Erp, stuck: Any, clock: Clock, ana: User, finance_team: Team
) -> None:
    netsuite.refusal = ""
    finance_team.members.add(ana)
    ana.groups.create(name="lead")
    stuck(3)
    now = clock.now
    lead = User.objects.get(pk=ana.pk)
    scope = select_cases(cases_for(lead), by=lead, now=now)
    run = start_run(scope_id=scope.pk, by=lead, now=now)
    finance_team.members.remove(ana)

    clock.until(lambda: ends(run))

    assert numbers(run) == {"SKIPPED": 3}
    assert set(run.items.values_list("why", flat=True)) == {"no access"}
    assert netsuite.sent == []


# --- Selection ---------------------------------------------------------------------------------


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


# --- Races -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_each_item_once(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    netsuite.refusal = ""
    cases = stuck(24)
    run = start()

    def worker(number: int) -> Callable[[], None]:
        def work() -> None:
            for step in range(12):
                # Leases are let go between, so that all of them drive the same run.
                ReplayRun.objects.update(lease_until=None)
                drive_due_run(now=clock.now + timedelta(seconds=step * 2))

        return work

    def press() -> None:
        for case in cases[:6]:
            replay_case(case_id=case.pk, actor_id=mia.pk, now=clock.now)

    found = at_once([worker(1), worker(2), worker(3), press])

    assert [error for error in found if isinstance(error, Exception)] == []
    run.refresh_from_db()
    assert run.released == run.items.filter(state__in=["SENT", "DONE"]).count() <= run.allowed
    assert CaseEvent.objects.filter(verb="replay").count() == (
        CaseEvent.objects.filter(verb="replay").values("case").distinct().count()
    )
    clock.now += timedelta(minutes=10)
    clock.until(lambda: ends(run))
    assert sorted(netsuite.sent) == sorted(f"order.post:R{n}" for n in range(1, 25))


@pytest.mark.django_db(transaction=True)
def test_cancel_while_workers_send_is_the_last_word(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    netsuite.refusal = ""
    stuck(20)
    run = start(canary=20)
    after: list[int] = []

    def cancel() -> None:
        steer_run(run_id=run.pk, verb="cancel", actor_id=mia.pk, now=timezone.now())
        after.append(run.items.filter(state="SENT").count())

    def work() -> None:
        for step in range(6):
            drive_due_run(now=clock.now + timedelta(seconds=step))

    found = at_once([work, cancel])

    assert [error for error in found if isinstance(error, Exception)] == []
    assert run.items.filter(state__in=["SENT", "DONE"]).count() == after[0]
    assert not run.items.filter(state="PENDING").exists()


@pytest.mark.django_db(transaction=True)
def test_two_people_who_start_the_same_cases_start_them_once(
    netsuite: Erp, stuck: Any, mia: User, now: datetime
) -> None:
    stuck(6)
    scopes = [select_cases(ExceptionCase.objects.all(), by=mia, now=now).pk for _ in range(3)]

    found = at_once([partial(start_run, scope_id=pk, by=mia, now=now) for pk in scopes])

    assert sum(isinstance(one, ReplayRun) for one in found) == 1
    assert sum(isinstance(one, NothingSelected) for one in found) == 2
    assert ReplayItem.objects.filter(state="PENDING").count() == 6


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_in_the_middle_sends_nothing_twice_and_another_goes_on(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    netsuite.refusal = ""
    stuck(12)
    run = start()

    class Died(BaseException):
        """As SIGKILL would: nothing is tidied up."""

    hits = iter(range(100))

    def die(name: str) -> None:
        if name == "replay.before_commit" and next(hits) == 2:
            raise Died

    monkeypatch.setattr("exceptions.services.drive_run.failpoint", die)
    with pytest.raises(Died):
        drive_due_run(now=clock.now)
    run.refresh_from_db()
    assert (run.released, numbers(run)) == (2, {"PENDING": 10, "SENT": 2})

    assert drive_due_run(now=clock.now) == 0, "the lease is still the dead worker's"
    ReplayRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    clock.until(lambda: ends(run))
    assert (run.state, numbers(run)) == ("DONE", {"DONE": 12})
    assert sorted(netsuite.sent) == sorted(set(netsuite.sent))


# --- Constraints -------------------------------------------------------------------------------


def test_a_run_can_never_have_sent_more_than_allowed(stuck: Any, start: Any) -> None:
    stuck(2)
    run = start()
    with pytest.raises(IntegrityError, match="never_sends_more_than_allowed"), transaction.atomic():
        ReplayRun.objects.filter(pk=run.pk).update(released=99)


def test_a_case_is_in_one_live_run(stuck: Any, start: Any) -> None:
    (case,) = stuck(1)
    first = start()
    again = ReplayRun.objects.get(pk=first.pk)
    again.pk = None
    again.scope = BulkScope.objects.create(
        user=first.started_by, case_ids=[case.pk], snapshot_max_id=1, expires_at=timezone.now()
    )
    again.save()
    with pytest.raises(IntegrityError, match="in_one_live_run"), transaction.atomic():
        ReplayItem.objects.create(run=again, case=case, number=1, state="PENDING")


def test_every_act_on_a_run_is_on_record(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    stuck(6)
    run = start(reason="NetSuite is back")
    steer_run(run_id=run.pk, verb="pause", actor_id=mia.pk, now=clock.now)
    steer_run(run_id=run.pk, verb="pause", actor_id=mia.pk, now=clock.now)
    steer_run(run_id=run.pk, verb="resume", actor_id=mia.pk, now=clock.now)
    clock.until(lambda: ends(run))
    steer_run(run_id=run.pk, verb="cancel", actor_id=mia.pk, now=clock.now)
    clock.until(lambda: ends(run))
    dismiss_run(run_id=run.pk, actor_id=mia.pk, now=clock.now)

    lines = [
        (event.verb, event.actor, event.before.get("state"), event.after["state"])
        for event in run.events.order_by("pk")
    ]
    assert lines == [
        ("start", mia, None, "RUNNING"),
        ("pause", mia, "RUNNING", "PAUSED"),
        ("resume", mia, "PAUSED", "RUNNING"),
        ("stop", None, "RUNNING", "STOPPED"),
        ("cancel", mia, "STOPPED", "CANCELLED"),
        ("close", mia, "CANCELLED", "CANCELLED"),
    ]
