"""What people do to a running replay: pause, resume, cancel the rest, close the report."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from exceptions.errors import VerbNotAllowed
from exceptions.lifecycle import RUN_VERBS, ItemState, RunState
from exceptions.models import ReplayRun
from exceptions.services.runs import last_end, note_run, tally


@transaction.atomic
def steer_run(*, run_id: int, verb: str, actor_id: int | None, now: datetime) -> ReplayRun:
    """Pause, resume or cancel. Saying it again changes nothing.

    Once it has answered, nothing more is sent: a driver asks the locked row before each item.
    Raises `VerbNotAllowed` when the run is over.
    """
    run = ReplayRun.objects.select_for_update(of=("self",)).get(pk=run_id)
    begins, ends = RUN_VERBS[verb]
    if run.state == ends:
        return run
    if run.state not in begins:
        raise VerbNotAllowed(f"This replay is {run.state.lower()}. Nothing was changed.")
    before = run.snapshot()
    run.state, run.next_look_at, run.held_by = ends, now, ""
    if verb == "resume":
        _begin_again(run)
    left = run.items.filter(state=ItemState.PENDING)
    not_sent = left.update(state=ItemState.CANCELLED, ended_at=now) if verb == "cancel" else 0
    run.save()
    text = f"{not_sent} not sent" if verb == "cancel" else ""
    note_run(run, verb, now, before=before, text=text, actor_id=actor_id)
    return run


def _begin_again(run: ReplayRun) -> None:
    """After a stop, the first few again: whether the cause is fixed now is not known yet."""
    if run.stop_reason:
        run.stop_reason, run.judged_from = "", last_end(run)
        run.stage = ReplayRun.Stage.CANARY
        # What was already sent is not looked at again, so the first few are really some.
        run.wave = min(run.plan["canary"], max(tally(run)[ItemState.PENDING], 1))
        run.allowed = run.released + run.wave


@transaction.atomic
def dismiss_run(*, run_id: int, actor_id: int | None, now: datetime) -> ReplayRun:
    """A person has seen what failed. Raises `VerbNotAllowed` while something is under way."""
    run = ReplayRun.objects.select_for_update(of=("self",)).get(pk=run_id)
    if run.dismissed_at is not None:
        return run
    if run.finished_at is None and run.state != RunState.STOPPED:
        raise VerbNotAllowed("This replay is still running. Cancel the rest first.")
    if run.state == RunState.STOPPED:
        run = steer_run(run_id=run_id, verb="cancel", actor_id=actor_id, now=now)
    before = run.snapshot()
    run.dismissed_at = now
    run.save(update_fields=["dismissed_at"])
    note_run(run, "close", now, before=before, actor_id=actor_id)
    return run
