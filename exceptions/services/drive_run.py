"""A run's next step: look what became of what was sent, judge, and send as much as there is room.

Any worker drives. What may be sent is decided by the run's locked row, item by item, in the same
transaction as the replay itself: a worker that is killed loses nothing and sends nothing twice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection as database
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet

from connectors.services.process import worker_name
from exceptions.events import ReplayRunChanged
from exceptions.lifecycle import ItemState, Outcome, RunState
from exceptions.models import ReplayItem, ReplayRun
from exceptions.services.judge_run import judge
from exceptions.services.pace import gap
from exceptions.services.plan_replay import plan_replay
from exceptions.services.replay import take_again
from exceptions.services.runs import cases_for
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.events import publish
from retailhub.kernel.failpoint import failpoint

TICK = timedelta(seconds=0.5)
LEASE = timedelta(seconds=30)
# So many seconds of work may be on their way at once: more would only queue before live traffic.
IN_FLIGHT_SECONDS = 4.0
# A look holds its worker no longer than this, and rests nine times as long as it took: on a busy
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
    ours = _on_their_way(run)
    items = list(_next_items(run)[: _room(run, sum(map(len, ours.values())), now)])
    outcomes = _outcomes(run, items)
    held_by, sent = "" if items else _paused(run), 0
    for item in items:
        outcome = outcomes.get(item.case_id, Outcome.NO_ACCESS)
        is_outbound = item.case.outbound_id is not None
        is_held = gap(item.case.connection, is_outbound=is_outbound, ours=ours[is_outbound])
        if is_held and outcome == Outcome.READY:
            held_by = is_held
            continue
        if not _send(run, item, outcome, now):
            break
        ours[is_outbound].append(item.case.outbound_id or item.case.inbound_id or 0)
        sent += 1
        failpoint("replay.sent_one")
        if time.monotonic() > until:
            break
    _say_why(run, held_by)
    return sent


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


def _room(run: ReplayRun, on_their_way: int, now: datetime) -> int:
    """How many may go now: by what is allowed, by the pace, and by what is still on its way."""
    per_second = float(run.plan["per_second"])
    newest = run.items.aggregate(newest=Max("sent_at"))["newest"]
    waited = (now - newest).total_seconds() if newest else 1.0
    # Never more than two ticks' worth: a pause is no reason for a burst.
    by_pace = min(per_second * waited, max(per_second * 2 * TICK.total_seconds(), 1.0))
    window = max(run.wave, math.ceil(per_second * IN_FLIGHT_SECONDS))
    if run.stage == ReplayRun.Stage.FULL:
        window = math.ceil(per_second * IN_FLIGHT_SECONDS)
    return max(min(run.allowed - run.released, math.floor(by_pace), window - on_their_way), 0)


def _outcomes(run: ReplayRun, items: Sequence[ReplayItem]) -> dict[int, Outcome]:
    """What can be done with each now, and by whoever started it: rights are asked again."""
    if not items:
        return {}
    visible = cases_for(run.starter)
    plan = plan_replay([item.case_id for item in items], visible=visible, run_id=run.pk)
    return {one.case_id: one.outcome for one in plan.cases}


def _on_their_way(run: ReplayRun) -> dict[bool, list[int]]:
    """The run's own messages that were sent and have no end yet: outbound (True) and inbound."""
    sent = run.items.filter(state=ItemState.SENT)
    pairs = sent.order_by("number").values_list("case__outbound_id", "case__inbound_id")
    ours: dict[bool, list[int]] = {True: [], False: []}
    for outbound, inbound in pairs:
        ours[outbound is not None].append(outbound or inbound or 0)
    return ours


@transaction.atomic
def _send(run: ReplayRun, item: ReplayItem, outcome: Outcome, now: datetime) -> bool:
    """Take one case again, or leave it out and say why. False when the run may send no more."""
    may_send = ReplayRun.objects.filter(
        pk=run.pk, state=RunState.RUNNING, released__lt=F("allowed")
    )
    if not may_send.update(released=F("released") + 1):
        return False
    row = ReplayItem.objects.select_for_update(of=("self",)).get(pk=item.pk)
    if row.state != ItemState.PENDING:
        _give_back(run)
        return True
    if outcome == Outcome.READY:
        outcome = _take(run, row, now)
    if outcome != Outcome.READY:
        row.state, row.why, row.ended_at = ItemState.SKIPPED, outcome.value, now
        _give_back(run)
    row.save(update_fields=["state", "why", "failures_before", "sent_at", "ended_at"])
    publish(ReplayRunChanged(run_id=run.pk))
    failpoint("replay.before_commit")
    return True


def _take(run: ReplayRun, row: ReplayItem, now: datetime) -> Outcome:
    try:
        with transaction.atomic():
            case, began = take_again(
                case_id=row.case_id,
                actor_id=run.started_by_id,
                now=now,
                within=f"replay run {run.pk}",
            )
    except NeedsOperator:
        return Outcome.NOTHING
    if not began:
        return Outcome.RUNNING  # somebody pressed the button of this one meanwhile
    row.state, row.sent_at, row.failures_before = ItemState.SENT, now, case.failed_again
    return Outcome.READY


def _give_back(run: ReplayRun) -> None:
    ReplayRun.objects.filter(pk=run.pk).update(released=F("released") - 1)


def _say_why(run: ReplayRun, held_by: str) -> None:
    if ReplayRun.objects.filter(pk=run.pk).exclude(held_by=held_by).update(held_by=held_by):
        with transaction.atomic():
            publish(ReplayRunChanged(run_id=run.pk))
