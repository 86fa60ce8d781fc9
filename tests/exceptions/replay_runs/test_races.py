"""Many workers and many people: nothing is sent twice, or beyond what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from exceptions.errors import NothingSelected
from exceptions.models import BulkScope, CaseEvent, ExceptionCase, ReplayItem, ReplayRun
from exceptions.services.drive_run import drive_due_run
from exceptions.services.replay import replay_case
from exceptions.services.select_cases import select_cases
from exceptions.services.start_run import start_run
from exceptions.services.steer_run import steer_run
from tests.exceptions.runs import Clock, Erp, ends, numbers
from tests.racing import at_once


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
        if name == "replay.before_commit" and next(hits) == 1:
            raise Died

    monkeypatch.setattr("exceptions.services.drive_run.BATCH", 2)
    monkeypatch.setattr("exceptions.services.send_items.failpoint", die)
    with pytest.raises(Died):
        drive_due_run(now=clock.now)
    run.refresh_from_db()
    assert (run.released, numbers(run)) == (2, {"PENDING": 10, "SENT": 2})

    assert drive_due_run(now=clock.now) == 0, "the lease is still the dead worker's"
    ReplayRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    clock.until(lambda: ends(run))
    assert (run.state, numbers(run)) == ("DONE", {"DONE": 12})
    assert sorted(netsuite.sent) == sorted(set(netsuite.sent))


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
