"""Pending -> sent, or left out: some items of a run, in one short transaction under its lock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from exceptions.events import ReplayRunChanged
from exceptions.lifecycle import ItemState, Outcome, RunState
from exceptions.models import ReplayItem, ReplayRun
from exceptions.services.plan_replay import Planned
from exceptions.services.replay import take_again
from exceptions.services.replay_many import Taken, replay_many
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.events import publish
from retailhub.kernel.failpoint import failpoint
from retailhub.kernel.rows import update_rows


@transaction.atomic
def send_items(*, run_id: int, planned: Sequence[Planned], now: datetime) -> int:
    """Take these cases again, or leave them out and say why. Returns how many items moved.

    Nothing is sent beyond what the locked run allows, and nothing of one that does not run. What
    `goes_alone` is sent alone, for it locks more than its message and its case.
    """
    run = ReplayRun.objects.select_for_update(of=("self",)).get(pk=run_id)
    if run.state != RunState.RUNNING:
        return 0
    known = {one.case_id: one for one in planned}
    pending = run.items.filter(case_id__in=known, state=ItemState.PENDING).order_by("number")
    items = list(pending[: run.allowed - run.released])
    taken = _take(run, [known[item.case_id] for item in items], now)
    for item in items:
        _write(item, taken[item.case_id], now)
    update_rows(items, ["state", "why", "failures_before", "sent_at", "ended_at"])
    run.released += sum(item.state == ItemState.SENT for item in items)
    run.save(update_fields=["released"])
    publish(ReplayRunChanged(run_id=run.pk))
    failpoint("replay.before_commit")
    return len(items)


def _take(run: ReplayRun, planned: Sequence[Planned], now: datetime) -> dict[int, Taken]:
    left_out = {one.case_id: Taken(one.outcome) for one in planned}
    ready = [one for one in planned if one.outcome == Outcome.READY]
    if any(one.goes_alone for one in ready):
        (alone,) = ready
        return left_out | {alone.case_id: _take_alone(run, alone.case_id, now)}
    return left_out | replay_many(
        case_ids=[one.case_id for one in ready],
        actor_id=run.started_by_id,
        now=now,
        within=_name_of(run),
    )


def _take_alone(run: ReplayRun, case_id: int, now: datetime) -> Taken:
    try:
        with transaction.atomic():
            case, began = take_again(
                case_id=case_id, actor_id=run.started_by_id, now=now, within=_name_of(run)
            )
    except NeedsOperator:
        return Taken(Outcome.NOTHING)
    return Taken(Outcome.READY if began else Outcome.RUNNING, case.failed_again)


def _name_of(run: ReplayRun) -> str:
    return f"replay run {run.pk}"


def _write(item: ReplayItem, taken: Taken, now: datetime) -> None:
    if taken.outcome == Outcome.READY:
        item.state, item.sent_at = ItemState.SENT.value, now
        item.failures_before = taken.failures
    else:
        item.state, item.why, item.ended_at = ItemState.SKIPPED.value, taken.outcome.value, now
