"""What became of the items that were sent, by facts; and does the run go on, widen, stop or end?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from exceptions.events import ReplayRunChanged
from exceptions.lifecycle import RUN_VERBS, CaseState, ItemState, Outcome, RunState
from exceptions.models import ReplayItem, ReplayRun
from exceptions.services.proof import BY_PERSON
from exceptions.services.runs import last_end, note_run, tally
from retailhub.kernel.events import publish
from retailhub.kernel.rows import update_rows

EQUAL_FAILURES = 5
FAILED_SHARE = 0.3
# The share is that of the newest ends: what went well an hour ago says little about now.
LOOKED_AT = 50
LARGEST_WAVE = 40


@transaction.atomic
def judge(*, run_id: int, now: datetime) -> int:
    """Write down every end, then decide. Returns how many ended.

    It looks at what is on its way and at the newest ends, however many items there are.
    """
    run = ReplayRun.objects.select_for_update(of=("self",)).get(pk=run_id)
    sent = _on_their_way(run)
    ended = _write_ends(run, sent, now)
    is_idle = ended == len(sent)
    if run.state == RunState.RUNNING and ended and (why := _why_stop(run)):
        left = run.items.filter(state=ItemState.PENDING).count()
        _move(run, "stop", now, text=f"Stopped {why}. {left} not sent.")
    elif run.state == RunState.RUNNING and is_idle:
        _go_on(run, now)
    if run.state != RunState.RUNNING and is_idle:
        _rest(run, now)
    if ended:
        publish(ReplayRunChanged(run_id=run.pk))
    return ended


def _on_their_way(run: ReplayRun) -> list[ReplayItem]:
    sent = run.items.filter(state=ItemState.SENT).select_related("case")
    said = [f"case__{name}" for name in ("state", "failed_again", "cause", "resolution")]
    known = [field.name for field in ReplayItem._meta.concrete_fields]
    return list(sent.only(*known, "case__updated_at", *said))


def _write_ends(run: ReplayRun, sent: Sequence[ReplayItem], now: datetime) -> int:
    ends = [item for item in sent if _end(item)]
    ends.sort(key=lambda item: (item.case.updated_at, item.number))
    number = last_end(run) if ends else 0
    for item in ends:
        number += 1
        item.end_number, item.ended_at = number, now
    update_rows(ends, ["state", "why", "failed_as", "end_number", "ended_at"])
    return len(ends)


def _end(item: ReplayItem) -> bool:
    """Set what the case itself says; False while it is still on its way."""
    case = item.case
    if case.failed_again > item.failures_before:
        item.state, item.failed_as_id = ItemState.FAILED.value, case.cause_id
    elif case.state == CaseState.REPLAYING:
        return False
    elif case.state == CaseState.RESOLVED and case.resolution not in BY_PERSON:
        item.state = ItemState.DONE.value
    else:  # a person closed it while it was on its way
        item.state, item.why = ItemState.SKIPPED.value, Outcome.CLOSED.value
    return True


def _why_stop(run: ReplayRun) -> str:
    newest = list(
        run.items.filter(
            end_number__gt=run.judged_from, state__in=[ItemState.DONE, ItemState.FAILED]
        )
        .select_related("failed_as")
        .order_by("-end_number")[:LOOKED_AT]
    )
    failed = [item for item in newest if item.state == ItemState.FAILED]
    streak = newest[:EQUAL_FAILURES]
    causes = {item.failed_as_id for item in streak}
    if len(streak) == EQUAL_FAILURES and len(causes) == 1 and _all_failed(streak):
        title = streak[0].failed_as.title.rstrip(".") if streak[0].failed_as else ""
        return f"after {EQUAL_FAILURES} equal failures: {title}"
    if len(newest) >= EQUAL_FAILURES and len(failed) > FAILED_SHARE * len(newest):
        return f"because {len(failed)} of the last {len(newest)} failed again"
    return ""


def _all_failed(items: Sequence[ReplayItem]) -> bool:
    return all(item.state == ItemState.FAILED for item in items)


def _go_on(run: ReplayRun, now: datetime) -> None:
    """Nothing is on its way: that was all, or the next ones may go."""
    pending = run.items.filter(state=ItemState.PENDING)
    if not pending.exists():
        _move(run, "finish", now, text=_sum(tally(run)))
    elif run.released >= run.allowed:
        _widen(run, pending.count(), now)


def _widen(run: ReplayRun, left: int, now: datetime) -> None:
    before = run.snapshot()
    run.wave *= 2
    is_full = run.wave > LARGEST_WAVE or run.wave >= left
    run.stage = ReplayRun.Stage.FULL if is_full else ReplayRun.Stage.RAMP
    run.allowed = run.released + (left if is_full else run.wave)
    run.save(update_fields=["wave", "stage", "allowed"])
    text = f"All {left} that are left" if is_full else f"The next {run.wave}"
    note_run(run, "widen", now, before=before, text=text)


def _move(run: ReplayRun, verb: str, now: datetime, *, text: str) -> None:
    before = run.snapshot()
    run.state, run.held_by = RUN_VERBS[verb][1].value, ""
    if verb == "stop":
        run.stop_reason = text[:300]
    run.save(update_fields=["state", "stop_reason", "held_by"])
    note_run(run, verb, now, before=before, text=text)


def _rest(run: ReplayRun, now: datetime) -> None:
    """Nothing is on its way: no look is due until somebody steers it; an end is an end."""
    run.next_look_at = None
    if run.state in {RunState.DONE, RunState.CANCELLED} and run.finished_at is None:
        run.finished_at = now
        if not run.items.filter(state=ItemState.FAILED).exists():
            run.dismissed_at = now  # nothing in it that a person must see
    run.save(update_fields=["next_look_at", "finished_at", "dismissed_at"])


def _sum(numbers: dict[ItemState, int]) -> str:
    words = (
        (ItemState.DONE, "done"),
        (ItemState.FAILED, "failed again"),
        (ItemState.SKIPPED, "skipped"),
    )
    return ", ".join(f"{numbers[state]} {word}" for state, word in words) + "."
