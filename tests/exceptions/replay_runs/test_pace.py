"""A run takes half of what the system allows, and gives way to live calls."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connectors.drains import drain_inbox, drain_outbox
from connectors.models import Connection, OutboundMessage
from connectors.services.pause import pause_connection, resume_connection
from exceptions.models import ExceptionCase, ReplayRun
from exceptions.services.drive_run import drive_due_run
from tests.exceptions.conftest import Stopped
from tests.exceptions.runs import Clock, Erp, ends, numbers


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


def test_waits_for_a_system_that_does_not_answer_and_leaves_nothing_out(
    netsuite: Erp, erp: Connection, stuck: Any, start: Any, clock: Clock
) -> None:
    netsuite.refusal = ""
    stuck(3)
    run = start()
    Connection.objects.filter(pk=erp.pk).update(closed_until=timezone.now() + timedelta(minutes=1))

    drive_due_run(now=clock.now)

    run.refresh_from_db()
    assert (numbers(run), run.held_by) == ({"PENDING": 3}, "NetSuite does not answer")
    Connection.objects.filter(pk=erp.pk).update(closed_until=None)
    clock.until(lambda: ends(run))
    assert numbers(run) == {"DONE": 3}


def test_a_look_asks_as_much_of_many_as_of_few(
    netsuite: Erp, stopped_effect: Stopped, stopped_message: Stopped, start: Any, clock: Clock
) -> None:
    netsuite.refusal = ""
    asked = []
    for count in (2, 10):
        for n in range(count):
            stopped_effect(f"{count}-{n}")
            stopped_message(f"{count}-{n}")
        run = start(canary=2 * count)
        with CaptureQueriesContext(connection) as sending:
            assert drive_due_run(now=clock.now) == 2 * count
        assert numbers(run) == {"SENT": 2 * count}
        drain_outbox()
        clock.now += timedelta(seconds=1)
        with CaptureQueriesContext(connection) as judging:
            assert drive_due_run(now=clock.now) == count
        asked.append((len(sending), len(judging)))
        drain_inbox()
        ReplayRun.objects.update(finished_at=clock.now)
        still_open = ExceptionCase.objects.filter(closed_at=None)
        still_open.update(state="IGNORED", closed_at=clock.now)

    assert asked[0] == asked[1]
    assert max(asked[0]) <= 50


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
    monkeypatch.setattr("exceptions.services.drive_run.BATCH", 2)
    monkeypatch.setattr("exceptions.services.drive_run.REST", 1e6)
    stuck(5)
    run = start()

    drive_due_run(now=clock.now)

    run.refresh_from_db()
    assert numbers(run) == {"SENT": 2, "PENDING": 3}
    assert run.next_look_at is not None
    assert run.next_look_at > clock.now + timedelta(minutes=1)
