"""What people do to a case: checked by the table of verbs, with before and after, undoable."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.dateparse import parse_datetime

from exceptions.errors import NothingToUndo, VerbNotAllowed
from exceptions.lifecycle import VERBS, CaseState, allowed
from exceptions.models import CaseEvent, ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.services.cases import note, save, snapshot

UNDOABLE = frozenset(
    {"claim", "release", "snooze", "wake", "wait", "resolve", "ignore", "assign", "reopen"}
)


def lock_case(case_id: int) -> ExceptionCase:
    """The case, locked."""
    return ExceptionCase.objects.select_for_update(of=("self",)).get(pk=case_id)


def _begin(case_id: int, verb: str) -> tuple[ExceptionCase, dict[str, object]]:
    case = lock_case(case_id)
    if not allowed(verb, CaseState(case.state)):
        raise VerbNotAllowed(
            f"This case is {case.state.lower()} now, so {verb} was not done. Nothing changed."
        )
    before = snapshot(case)
    case.state = VERBS[verb][1]
    return case, before


@transaction.atomic
def claim_case(*, case_id: int, actor_id: int, now: datetime) -> ExceptionCase:
    """Make `actor` the owner. Claiming what is one's own changes nothing."""
    case = lock_case(case_id)
    if case.owner_id == actor_id and case.state == CaseState.CLAIMED:
        return case
    case, before = _begin(case_id, "claim")
    case.owner_id, case.wake_at = actor_id, None
    note(case, "claim", now, actor_id=actor_id, before=before)
    save(case)
    return case


@transaction.atomic
def release_case(*, case_id: int, actor_id: int, now: datetime) -> ExceptionCase:
    """Give it back to the team's queue."""
    case, before = _begin(case_id, "release")
    case.owner_id = None
    note(case, "release", now, actor_id=actor_id, before=before)
    save(case)
    return case


@transaction.atomic
def snooze_case(*, case_id: int, actor_id: int, minutes: int, now: datetime) -> ExceptionCase:
    """Hide it from the open list until then, never past its due time: a snooze hides no breach."""
    case, before = _begin(case_id, "snooze")
    until = now + timedelta(minutes=max(minutes, 1))
    case.wake_at = min(until, case.due_at) if case.due_at > now else until
    note(case, "snooze", now, actor_id=actor_id, before=before)
    save(case)
    return case


@transaction.atomic
def wait_case(*, case_id: int, actor_id: int, on_whom: str, now: datetime) -> ExceptionCase:
    """Wait for somebody outside: customer, partner, warehouse."""
    case, before = _begin(case_id, "wait")
    note(case, "wait", now, actor_id=actor_id, text=f"Waiting for {on_whom}", before=before)
    save(case)
    return case


@transaction.atomic
def wake_case(*, case_id: int, actor_id: int | None, now: datetime) -> ExceptionCase:
    """Back to work."""
    case, before = _begin(case_id, "wake")
    case.state = CaseState.CLAIMED if case.owner_id else CaseState.NEW
    case.wake_at = None
    note(case, "wake", now, actor_id=actor_id, before=before)
    save(case)
    return case


@transaction.atomic
def resolve_case(*, case_id: int, actor_id: int, reason: str, now: datetime) -> ExceptionCase:
    """Close without a replay. An effect that stopped counts as done by hand, after a minute."""
    return _close(case_id, "resolve", "by hand", actor_id, reason, now)


@transaction.atomic
def ignore_case(*, case_id: int, actor_id: int, reason: str, now: datetime) -> ExceptionCase:
    """Close what will not be fixed. Its message is set aside for good, after a minute."""
    return _close(case_id, "ignore", "ignored", actor_id, reason, now)


def _close(
    case_id: int, verb: str, how: str, actor_id: int, reason: str, now: datetime
) -> ExceptionCase:
    case, before = _begin(case_id, verb)
    case.closed_at, case.resolution = now, how
    note(case, verb, now, actor_id=actor_id, text=reason, before=before)
    save(case, verb="gone")
    return case


@transaction.atomic
def reopen_case(*, case_id: int, actor_id: int | None, reason: str, now: datetime) -> ExceptionCase:
    """Open it again, with its history."""
    case, before = _begin(case_id, "reopen")
    _refuse_twin(case)
    case.state = CaseState.CLAIMED if case.owner_id else CaseState.NEW
    case.closed_at, case.resolution = None, ""
    note(case, "reopen", now, actor_id=actor_id, text=reason, before=before)
    save(case, verb="new")
    return case


def _refuse_twin(case: ExceptionCase) -> None:
    """The same thing stopped again after this case was closed: work on its newer case."""
    same = ExceptionCase.objects.filter(state__in=OPEN_STATES).exclude(pk=case.pk)
    if case.inbound_id:
        same = same.filter(inbound_id=case.inbound_id)
    elif case.outbound_id:
        same = same.filter(outbound_id=case.outbound_id)
    else:
        same = same.filter(inbound=None, outbound=None, cause=case.cause_id, code=case.code)
        same = same.filter(order_id=case.order_id) if case.order_id else same
    if same.exists():
        raise VerbNotAllowed("A newer case about the same thing is open. Nothing was changed.")


def _refuse_set_aside(case: ExceptionCase) -> None:
    message = case.inbound or case.outbound
    if message is not None and message.state in {"IGNORED", "CANCELLED"}:
        raise NothingToUndo("Its message was set aside for good meanwhile; nothing was changed.")


@transaction.atomic
def add_note(*, case_id: int, actor_id: int, text: str, now: datetime) -> CaseEvent:
    """Write something down for the next person."""
    case = lock_case(case_id)
    line = note(case, "note", now, actor_id=actor_id, text=text)
    save(case)
    return line


@transaction.atomic
def undo_act(*, event_id: int, actor_id: int, now: datetime) -> ExceptionCase:
    """Take back the newest act on a case, back to what was before it. Raises `NothingToUndo`."""
    event = CaseEvent.objects.select_for_update().get(pk=event_id)
    case = lock_case(event.case_id)
    newest = (
        CaseEvent.objects.filter(case=case, verb__in=UNDOABLE, undone_at=None)
        .order_by("-pk")
        .first()
    )
    if newest is None or newest.pk != event.pk or snapshot(case) != event.after:
        raise NothingToUndo("Something else happened to this case since; nothing was changed.")
    before = snapshot(case)
    was = event.before
    if before["closed_at"] and not was["closed_at"]:
        _refuse_twin(case)
        _refuse_set_aside(case)
    case.state, case.owner_id, case.resolution = was["state"], was["owner"], was["resolution"]
    case.wake_at = parse_datetime(was["wake_at"]) if was["wake_at"] else None
    case.closed_at = parse_datetime(was["closed_at"]) if was["closed_at"] else None
    CaseEvent.objects.filter(pk=event.pk).update(undone_at=now)
    note(case, "undo", now, actor_id=actor_id, text=f"Took back: {event.verb}", before=before)
    save(case, verb="upd" if case.closed_at is None else "gone")
    return case
