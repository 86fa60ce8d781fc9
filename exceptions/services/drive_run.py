"""A run's next step: look what became of what was sent, judge, and send as much as there is room.

Any worker drives. What may be sent is decided by the run's locked row, in the same transaction as
the replay itself: a worker that is killed loses nothing and sends nothing twice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection as database
from django.db import transaction
from django.db.models import Q, QuerySet

from connectors.services.process import worker_name
from exceptions.events import ReplayRunChanged
from exceptions.lifecycle import TAKEN, ItemState, Outcome, RunState
from exceptions.models import ReplayItem, ReplayRun
from exceptions.services.judge_run import LOOKED_AT, judge
from exceptions.services.pace import gap
from exceptions.services.plan_replay import Planned, plan_replay
from exceptions.services.runs import cases_for
from exceptions.services.send_items import send_items
from retailhub.kernel.events import publish
from retailhub.kernel.failpoint import failpoint

TICK = timedelta(seconds=0.5)
LEASE = timedelta(seconds=30)
# So many seconds of work may be on their way at once: more would only queue before live traffic.
IN_FLIGHT_SECONDS = 4.0
# So many are sent in one transaction: their locks are held for some hundredths of a second.
BATCH = 25
# After so long a look begins no other batch; and it rests nine times as long as it took: on a busy
# machine a run gets slower, and live work does not.
SLICE_SECONDS = 0.1
REST = 9.0

_CLAIM = """
UPDATE exceptions_replayrun SET lease_until = now() + %(lease)s::interval, lease_owner = %(owner)s
WHERE id = (
    SELECT id FROM exceptions_replayrun
    WHERE finished_at IS NULL AND next_look_at <= %(now)s
      AND (lease_until IS NULL OR lease_until < now())
    ORDER BY next_look_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


class Sent(NamedTuple):
    """One of the run's own messages or effects that has no end yet."""

    is_outbound: bool
    message: int
    sent_at: datetime


def drive_due_run(*, now: datetime) -> int:
    """Take the run that is due longest one step further. Returns how many items it moved."""
    run_id = _claim(now)
    if run_id is None:
        return 0
    began = time.monotonic()
    ended = judge(run_id=run_id, now=now)
    sent = _send_next(run_id, now, until=began + SLICE_SECONDS)
    _let_go(run_id, now, rest=timedelta(seconds=REST * (time.monotonic() - began)))
    return ended + sent


@transaction.atomic(durable=True)
def _claim(now: datetime) -> int | None:
    with database.cursor() as cursor:
        cursor.execute(_CLAIM, {"lease": str(LEASE), "owner": worker_name(), "now": now})
        row = cursor.fetchone()
        return row[0] if row else None


def _let_go(run_id: int, now: datetime, *, rest: timedelta) -> None:
    # Somebody may have steered it meanwhile: a look that is due at once stays due.
    ReplayRun.objects.filter(pk=run_id, lease_owner=worker_name()).update(lease_until=None)
    ReplayRun.objects.filter(pk=run_id, next_look_at__lte=now).update(
        next_look_at=now + max(TICK, rest)
    )


def _send_next(run_id: int, now: datetime, *, until: float) -> int:
    runs = ReplayRun.objects.select_related("started_by", "api_key__connection", "incident")
    run = runs.get(pk=run_id)
    if run.state != RunState.RUNNING:
        return 0
    sent = _on_their_way(run)
    ours = {way: [one.message for one in sent if one.is_outbound == way] for way in (True, False)}
    items = list(_next_items(run)[: _room(run, sent, now)])
    planned = _plan(run, items)
    held = _held(items, planned, ours)
    moved = 0
    for batch in _batches([one for one in planned.values() if one.case_id not in held]):
        sent_now = send_items(run_id=run.pk, planned=batch, now=now)
        failpoint("replay.sent_some")
        moved += sent_now
        if not sent_now or time.monotonic() > until:
            break
    _say_why(run, next(iter(held.values()), "") if items else _paused(run))
    return moved


def _held(
    items: Sequence[ReplayItem],
    planned: Mapping[int, Planned],
    ours: Mapping[bool, Sequence[int]],
) -> dict[int, str]:
    """Cases that could be taken again and must wait, with what each waits for.

    Asked once of each connection.
    """
    gaps: dict[tuple[int | None, bool], str] = {}
    held = {}
    for case in [item.case for item in items]:
        outcome = planned[case.pk].outcome
        if outcome not in TAKEN:
            continue
        is_outbound = case.outbound_id is not None
        key = (case.connection_id, is_outbound)
        if key not in gaps:
            gaps[key] = gap(case.connection, is_outbound=is_outbound, ours=ours[is_outbound])
        why = gaps[key] or (f"{case.connection} is paused" if outcome == Outcome.PAUSED else "")
        if why:
            held[case.pk] = why
    return held


def _batches(planned: Sequence[Planned]) -> Iterator[Sequence[Planned]]:
    """Messages and effects together; what locks more than these, each by itself."""
    together = [one for one in planned if not one.goes_alone]
    yield from (together[first : first + BATCH] for first in range(0, len(together), BATCH))
    yield from ([one] for one in planned if one.goes_alone)


_CANT_GO = Q(case__outbound__isnull=False, case__connection__outbound_paused_at__isnull=False) | Q(
    case__inbound__isnull=False, case__connection__inbound_paused_at__isnull=False
)


def _next_items(run: ReplayRun) -> QuerySet[ReplayItem]:
    """What may go next. A paused connection holds up its own items only."""
    pending = run.items.filter(state=ItemState.PENDING).exclude(_CANT_GO)
    return pending.select_related("case__connection").order_by("number")


def _paused(run: ReplayRun) -> str:
    held = run.items.filter(_CANT_GO, state=ItemState.PENDING).select_related("case__connection")
    first = held.order_by("number").first()
    return f"{first.case.connection} is paused" if first else ""


def _room(run: ReplayRun, sent: Sequence[Sent], now: datetime) -> int:
    """How many may go now: by what is allowed, by the pace, and by what is still on its way."""
    per_second = float(run.plan["per_second"])
    newest = max((one.sent_at for one in sent), default=None) or _newest_that_ended(run)
    waited = (now - newest).total_seconds() if newest else 1.0
    # Never more than two ticks' worth: a pause is no reason for a burst.
    by_pace = min(per_second * waited, max(per_second * 2 * TICK.total_seconds(), 1.0))
    window = max(run.wave, math.ceil(per_second * IN_FLIGHT_SECONDS))
    if run.stage == ReplayRun.Stage.FULL:
        window = math.ceil(per_second * IN_FLIGHT_SECONDS)
    return max(min(run.allowed - run.released, math.floor(by_pace), window - len(sent)), 0)


def _newest_that_ended(run: ReplayRun) -> datetime | None:
    """When the newest of those was sent that ended last; of thousands, nobody looks at all."""
    ended = run.items.filter(end_number__isnull=False).order_by("-end_number")
    times = ended.values_list("sent_at", flat=True)[:LOOKED_AT]
    return max((sent_at for sent_at in times if sent_at is not None), default=None)


def _plan(run: ReplayRun, items: Sequence[ReplayItem]) -> dict[int, Planned]:
    """What can be done with each now, and by whoever started it: rights are asked again."""
    if not items:
        return {}
    visible = cases_for(run.starter)
    plan = plan_replay([item.case_id for item in items], visible=visible, run_id=run.pk)
    seen = {one.case_id: one for one in plan.cases}
    return {
        item.case_id: seen.get(item.case_id) or Planned(item.case_id, 0, Outcome.NO_ACCESS)
        for item in items
    }


def _on_their_way(run: ReplayRun) -> list[Sent]:
    sent = run.items.filter(state=ItemState.SENT).order_by("number")
    asked = ("case__outbound_id", "case__inbound_id", "sent_at")
    return [
        Sent(outbound is not None, outbound or inbound or 0, sent_at)
        for outbound, inbound, sent_at in sent.values_list(*asked)
    ]


def _say_why(run: ReplayRun, held_by: str) -> None:
    if run.held_by == held_by:
        return
    with transaction.atomic():
        if ReplayRun.objects.filter(pk=run.pk).exclude(held_by=held_by).update(held_by=held_by):
            publish(ReplayRunChanged(run_id=run.pk))
