"""Pages hear of every change once or again, never not at all; hints do not pile up."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from inventory.events import StockCounted
from retailhub.hints import MOST_NAMED
from retailhub.kernel.events import publish
from retailhub.live import changes_since, newest_sequences
from retailhub.models import JobRun, LiveEvent
from retailhub.schedule import JOBS, WATCH_LAG, awake_since, run_due_jobs, slot_of

pytestmark = pytest.mark.django_db


def hint(entity: str, *, topic: str = "queue", age: float = 60, **more: int) -> int:
    row = LiveEvent.objects.create(topic=topic, entity=entity, **more)
    at = row.at if age == 0 else datetime.now(tz=row.at.tzinfo) - timedelta(seconds=age)
    LiveEvent.objects.filter(pk=row.pk).update(at=at)
    return row.pk


def test_tells_what_changed_since_the_newest_word_per_entity() -> None:
    first = hint("case-1", version=1)
    hint("case-2", version=1)
    last = hint("case-1", version=2)
    hint("order-1", topic="orders")

    assert changes_since("queue", first - 1) == (
        last,
        [["case-1", 2, "upd"], ["case-2", 1, "upd"]],
    )
    assert changes_since("queue", last) == (last, [])
    assert newest_sequences(["queue", "connections"]) == {"queue": last, "connections": 0}


def test_a_change_that_was_committed_late_is_told_though_its_number_is_lower() -> None:
    hint("case-0")
    late = LiveEvent.objects.create(topic="queue", entity="case-1")
    told = hint("case-2")

    assert changes_since("queue", told) == (told, [["case-1", 0, "upd"]])

    LiveEvent.objects.filter(pk=late.pk).update(at=late.at - timedelta(seconds=11))
    assert changes_since("queue", told) == (told, [])


def test_too_many_changes_are_not_listed() -> None:
    first = hint("case-0")
    LiveEvent.objects.bulk_create(
        LiveEvent(topic="queue", entity=f"case-{n}") for n in range(MOST_NAMED + 1)
    )

    sequence, items = changes_since("queue", first)

    assert items is None
    assert sequence == newest_sequences(["queue"])["queue"]


def test_a_file_of_stock_is_one_hint_however_many_items_it_counted() -> None:
    first = hint("item-0", topic="stock")

    publish(StockCounted(item_ids=tuple(range(MOST_NAMED + 1))))

    assert LiveEvent.objects.filter(pk__gt=first).count() == 1
    assert changes_since("stock", first) == (newest_sequences(["stock"])["stock"], None)


def test_a_page_that_was_away_while_hints_were_forgotten_reads_everything_once() -> None:
    seen = hint("case-1")
    kept = hint("order-1", topic="orders")
    last = hint("order-2", topic="orders")
    LiveEvent.objects.filter(pk=seen).delete()

    sequence, items = changes_since("queue", seen - 1)

    assert (sequence, items) == (kept - 1, None)
    assert changes_since("queue", sequence) == (sequence, [])
    assert changes_since("orders", kept) == (last, [["order-2", 0, "upd"]])


def test_each_slot_of_a_job_runs_once_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_due_jobs() == len(JOBS)
    assert run_due_jobs() <= sum(job.seconds <= 10 for job in JOBS.values())

    assert set(JobRun.objects.values_list("job", flat=True)) == set(JOBS)
    assert set(JobRun.objects.values_list("error", flat=True)) == {""}


def test_slots_are_aligned(now: datetime) -> None:
    for job in JOBS.values():
        slot = slot_of(job, now)
        assert slot.timestamp() % job.seconds == 0
        assert timedelta(0) <= now - slot < timedelta(seconds=job.seconds)


def test_knows_since_when_nothing_was_left_out(now: datetime) -> None:
    def ran(*minutes_ago: float) -> None:
        JobRun.objects.bulk_create(
            JobRun(job=WATCH_LAG, due_at=now - timedelta(minutes=m)) for m in minutes_ago
        )

    assert awake_since(WATCH_LAG, now) is None
    ran(60, 59.5, 59)
    assert awake_since(WATCH_LAG, now) == now - timedelta(minutes=60)
    ran(5, 4.5, 3, 2.5)  # an hour off, and then a busy minute
    assert awake_since(WATCH_LAG, now) == now - timedelta(minutes=5)


def test_old_hints_are_forgotten(now: datetime) -> None:
    hint("case-1", age=3601)
    kept = hint("case-2", age=3500)

    JOBS["forget old hints"].run(now)

    assert list(LiveEvent.objects.values_list("pk", flat=True)) == [kept]


def test_one_failing_job_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: datetime) -> None:
        raise ZeroDivisionError("oops")

    job = JOBS["poll connections"]
    monkeypatch.setitem(JOBS, "poll connections", type(job)(job.seconds, fail))

    assert run_due_jobs() == len(JOBS)

    assert JobRun.objects.get(job="poll connections").error == "ZeroDivisionError: oops"
    assert JobRun.objects.exclude(job="poll connections").filter(error="").count() == len(JOBS) - 1
