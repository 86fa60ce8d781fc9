"""What runs by the clock? Each slot is a row with a unique key: a second scheduler is harmless."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from connectors.services import coverage, deliver, leases, poll, probe, read_back, snapshots
from exceptions.services import (
    assign,
    forget,
    incidents,
    ladder,
    leavers,
    overdue,
    presence,
    rules,
    silence,
    sweep,
    turns,
    verify,
    weigh,
)
from exceptions.services.select_cases import forget_selections
from inventory.services import check, full_run, watch_lag
from inventory.services.answers import forget_answers
from inventory.services.expire_holds import expire_holds
from inventory.services.forget_files import forget_files
from orders.services import resume
from retailhub.mail.digest import write_digests
from retailhub.models import JobRun, LiveEvent, Mail

log = logging.getLogger(__name__)

WATCH_LAG = "watch how late channels are"
# A scheduler that is only busy leaves out a slot or two.
ASLEEP_SECONDS = 120


@dataclass(frozen=True)
class Job:
    """Something to do every `seconds`."""

    seconds: int
    run: Callable[[datetime], object]


def _forget(now: datetime) -> None:
    # A page that was away for longer reads everything again; a busy day is millions of hints.
    LiveEvent.objects.filter(at__lt=now - timedelta(hours=1)).delete()
    JobRun.objects.filter(due_at__lt=now - timedelta(hours=24)).delete()
    Mail.objects.filter(created_at__lt=now - timedelta(days=90)).delete()
    forget.forget_expectations(now=now)
    forget.forget_notices(now=now)
    forget.forget_old_secrets(now=now)
    presence.forget_tabs(now=now)


def awake_since(job: str, now: datetime) -> datetime | None:
    """The first slot of `job` since which none of it was left out for `ASLEEP_SECONDS`."""
    with connection.cursor() as cursor:
        cursor.execute(_AWAKE, {"job": job, "now": now, "asleep": ASLEEP_SECONDS})
        (since,) = cursor.fetchone()
        return since  # type: ignore[no-any-return]


_AWAKE = """
SELECT max(due_at) FROM (
    SELECT due_at, lag(due_at) OVER (ORDER BY due_at) AS before
    FROM retailhub_jobrun WHERE job = %(job)s AND due_at <= %(now)s
) slot WHERE before IS NULL OR due_at - before > make_interval(secs => %(asleep)s)
"""


def _watch_lag(now: datetime) -> None:
    watch_lag.watch_lag(now=now, awake_since=awake_since(WATCH_LAG, now))


JOBS: dict[str, Job] = {
    "sweep inbound leases": Job(5, lambda _: leases.sweep_expired_leases()),
    "sweep outbound leases": Job(5, lambda now: deliver.sweep_expired_leases(now=now)),
    "probe open breakers": Job(5, lambda now: probe.probe_open_breakers(now=now)),
    "expire holds": Job(2, lambda now: expire_holds(now=now)),
    "poll connections": Job(10, lambda now: poll.poll_due_connections(now=now)),
    "compare with the sources' lists": Job(60, lambda now: coverage.check_coverage(now=now)),
    "raise what did not happen": Job(10, lambda now: overdue.raise_overdue(now=now)),
    "read channels back": Job(15, lambda now: read_back.read_back(now=now)),
    WATCH_LAG: Job(30, _watch_lag),
    "watch silent nodes": Job(30, lambda now: silence.watch_nodes(now=now)),
    "start full stock runs": Job(30, lambda now: full_run.start_due_full_runs(now=now)),
    "drain and end incidents": Job(10, lambda now: incidents.settle_incidents(now=now)),
    "wake snoozed cases": Job(15, lambda now: sweep.wake_due_cases(now=now)),
    "verify what was resolved": Job(5, lambda now: verify.verify_due(now=now)),
    "set aside what was decided": Job(15, lambda now: sweep.set_aside_what_was_decided(now=now)),
    "weigh what waits": Job(15, lambda now: weigh.weigh_what_changed(now=now)),
    "climb ladders": Job(15, lambda now: ladder.climb_ladders(now=now)),
    "give cases in turn": Job(5, lambda now: turns.give_in_turn(now=now)),
    "let go of what was pinned": Job(60, lambda now: assign.unpin_due_cases(now=now)),
    "follow ownership rules": Job(60, lambda now: rules.move_to_current_rules(now=now)),
    "take work from leavers": Job(60, lambda now: leavers.release_work_of_leavers(now=now)),
    "wake waiting orders": Job(60, lambda now: resume.resume_longest_waiting(limit=50, now=now)),
    "ring for waiting snapshots": Job(60, lambda _: snapshots.ring_for_waiting()),
    "check stock": Job(86_400, lambda _: check.check_stock()),
    "write summaries of the day": Job(60, lambda now: write_digests(now=now)),
    "forget old answers": Job(600, lambda now: forget_answers(now=now)),
    "forget old stock files": Job(600, lambda now: forget_files(now=now)),
    "forget old hints": Job(600, _forget),
    "forget old selections": Job(3600, lambda now: forget_selections(now=now)),
}


def slot_of(job: Job, now: datetime) -> datetime:
    """The newest slot of `job` that has begun, aligned to the epoch."""
    return datetime.fromtimestamp(now.timestamp() // job.seconds * job.seconds, UTC)


def run_due_jobs() -> int:
    """Run every job whose newest slot nobody has taken. Returns how many ran here."""
    ran = 0
    for name, job in JOBS.items():
        now = timezone.now()
        slot = slot_of(job, now)
        if _take(name, slot):
            ran += 1
            _run(name, job, slot, now)
    return ran


def _take(name: str, slot: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO retailhub_jobrun (job, due_at) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [name, slot],
        )
        return bool(cursor.rowcount == 1)


def _run(name: str, job: Job, slot: datetime, now: datetime) -> None:
    error = ""
    try:
        job.run(now)
    except Exception as caught:  # one failing job must not stop the others
        log.exception("job %r failed", name)
        error = f"{type(caught).__name__}: {caught}"[:300]
    JobRun.objects.filter(job=name, due_at=slot).update(finished_at=timezone.now(), error=error)
