"""What people do to a case: checked by the table of verbs, with before and after, undoable."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from exceptions.errors import NothingToUndo, VerbNotAllowed, VersionStale
from exceptions.incidents import INCIDENTS
from exceptions.lifecycle import VERBS, CaseState, allowed
from exceptions.models import CaseEvent, ExceptionCase
from exceptions.models.cases import OPEN_STATES, WaitsFor
from exceptions.services.cases import draft_note, note, save, snapshot
from exceptions.services.proof import claim_cure

UNDOABLE = frozenset(
    {
        "claim",
        "take_over",
        "release",
        "snooze",
        "wake",
        "wait",
        "resolve",
        "ignore",
        "assign",
        "reopen",
    }
)


def lock_case(case_id: int) -> ExceptionCase:
    """The case, locked."""
    return ExceptionCase.objects.select_for_update(of=("self",)).get(pk=case_id)


def refuse_stale(case: ExceptionCase, *, actor_id: int | None, version: int | None) -> None:
    """Raises `VersionStale` when a locked case is somebody else's and has changed since `version`.

    Without a version nobody looked: the clock and the machinery act on what is there.
    """
    if version is not None and version != case.version:
        _refuse_others(case, actor_id)


def _refuse_others(case: ExceptionCase, actor_id: int | None) -> None:
    if case.owner is not None and case.owner_id != actor_id:
        who = _name_of(case)
        raise VersionStale(
            f"{who} has this case now, so nothing was changed. Ask {who}, or take over."
        )


def _name_of(case: ExceptionCase) -> str:
    return (case.owner.get_short_name() or case.owner.get_username()) if case.owner else ""


def begin(
    case_id: int, verb: str, actor_id: int | None, version: int | None
) -> tuple[ExceptionCase, dict[str, object]]:
    """The case, locked and in the state that `verb` leads to, and how it was before.

    Raises `VerbNotAllowed` or `VersionStale`.
    """
    case = lock_case(case_id)
    if not allowed(verb, CaseState(case.state)):
        raise VerbNotAllowed(
            f"This case is {case.state.lower()} now, so {verb} was not done. Nothing changed."
        )
    refuse_stale(case, actor_id=actor_id, version=version)
    before = snapshot(case)
    case.state = VERBS[verb][1]
    return case, before


@transaction.atomic
def claim_case(
    *, case_id: int, actor_id: int, now: datetime, version: int | None = None
) -> ExceptionCase:
    """Make `actor` the owner of what nobody has. Claiming what is one's own changes nothing.

    Raises `VersionStale` when somebody else has it.
    """
    case, before = begin(case_id, "claim", actor_id, version)
    _refuse_others(case, actor_id)
    return _own(case, before, "claim", actor_id=actor_id, now=now)


@transaction.atomic
def take_over_case(
    *, case_id: int, actor_id: int, reason: str, now: datetime, version: int | None = None
) -> ExceptionCase:
    """Make `actor` the owner instead of whoever the page said has it, for a reason they can read.

    Raises `VersionStale` when it changed hands meanwhile.
    """
    case, before = begin(case_id, "take_over", actor_id, version)
    text = f"From {_name_of(case)}: {reason}" if case.owner_id else reason
    return _own(case, before, "take_over", actor_id=actor_id, now=now, text=text)


def _own(
    case: ExceptionCase, before: dict[str, object], verb: str, *, now: datetime, **said: Any
) -> ExceptionCase:
    actor_id = said["actor_id"]
    if (before["owner"], before["state"]) == (actor_id, CaseState.CLAIMED):
        return case
    case.owner_id, case.wake_at = actor_id, None
    note(case, verb, now, before=before, **said)
    save(case)
    return case


@transaction.atomic
def release_case(
    *, case_id: int, actor_id: int, now: datetime, version: int | None = None
) -> ExceptionCase:
    """Give it back to the team's queue."""
    case, before = begin(case_id, "release", actor_id, version)
    case.owner_id = None
    note(case, "release", now, actor_id=actor_id, before=before)
    save(case)
    return case


@transaction.atomic
def snooze_case(
    *, case_id: int, actor_id: int, minutes: int, now: datetime, version: int | None = None
) -> ExceptionCase:
    """Hide it from the open list until then, never past a deadline: a snooze hides no breach."""
    case, before = begin(case_id, "snooze", actor_id, version)
    deadlines = [case.due_at] if case.responded_at else [case.due_at, case.respond_due_at]
    until = now + timedelta(minutes=max(minutes, 1))
    case.wake_at = min([until, *(one for one in deadlines if one and one > now)])
    note(case, "snooze", now, actor_id=actor_id, before=before)
    save(case)
    return case


@transaction.atomic
def wait_case(
    *,
    case_id: int,
    actor_id: int,
    on_whom: str,
    now: datetime,
    version: int | None = None,
    waits_for: str = WaitsFor.CUSTOMER,
) -> ExceptionCase:
    """Wait for somebody outside; its clock stands if the policy says so for whom it `waits_for`."""
    case, before = begin(case_id, "wait", actor_id, version)
    case.waits_for = waits_for
    note(case, "wait", now, actor_id=actor_id, text=f"Waiting for {on_whom}", before=before)
    save(case)
    return case


@transaction.atomic
def wake_case(
    *, case_id: int, actor_id: int | None, now: datetime, version: int | None = None
) -> ExceptionCase:
    """Back to work."""
    case, before = begin(case_id, "wake", actor_id, version)
    case.state = CaseState.CLAIMED if case.owner_id else CaseState.NEW
    case.wake_at = None
    note(case, "wake", now, actor_id=actor_id, before=before)
    save(case)
    return case


@transaction.atomic
def resolve_case(
    *,
    case_id: int,
    actor_id: int,
    reason: str,
    now: datetime,
    version: int | None = None,
    how: str = "by hand",
) -> ExceptionCase:
    """Close without a replay. Whether it is cured is looked at soon, if anything could show it."""
    case, before = begin(case_id, "resolve", actor_id, version)
    said = {"actor_id": actor_id, "text": reason, "before": before}
    return _close(case, "resolve", how, now, **said)


@transaction.atomic
def ignore_case(
    *, case_id: int, actor_id: int, reason: str, now: datetime, version: int | None = None
) -> ExceptionCase:
    """Close what will not be fixed. Its message is set aside for good, after a minute."""
    case, before = begin(case_id, "ignore", actor_id, version)
    said = {"actor_id": actor_id, "text": reason, "before": before}
    return _close(case, "ignore", "ignored", now, **said)


def _close(case: ExceptionCase, verb: str, how: str, now: datetime, **said: Any) -> ExceptionCase:
    case.closed_at, case.resolution = now, how
    claim_cure(case, now=now)
    note(case, verb, now, **said)
    save(case, verb="gone")
    return case


@transaction.atomic
def reopen_case(
    *, case_id: int, actor_id: int | None, reason: str, now: datetime, version: int | None = None
) -> ExceptionCase:
    """Open it again, with its history."""
    case, before = begin(case_id, "reopen", actor_id, version)
    refuse_twin(case)
    case.state = CaseState.CLAIMED if case.owner_id else CaseState.NEW
    case.closed_at, case.resolution = None, ""
    claim_cure(case, now=now)
    note(case, "reopen", now, actor_id=actor_id, text=reason, before=before)
    save(case, verb="new")
    return case


def refuse_twin(case: ExceptionCase) -> None:
    """Raises `VerbNotAllowed` when the same thing stopped again after this case was closed."""
    same = ExceptionCase.objects.filter(state__in=OPEN_STATES).exclude(pk=case.pk)
    if case.inbound_id:
        same = same.filter(inbound_id=case.inbound_id)
    elif case.outbound_id:
        same = same.filter(outbound_id=case.outbound_id)
    elif case.code in INCIDENTS:
        same = same.filter(connection=case.connection_id, code__in=INCIDENTS)
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
    event = CaseEvent.objects.get(pk=event_id)
    case = lock_case(event.case_id)
    newest = newest_act(case.pk)
    if newest is None or newest.pk != event.pk or not _stands_as(case, event.after):
        raise NothingToUndo("Something else happened to this case since; nothing was changed.")
    before = snapshot(case)
    was = event.before
    if before["closed_at"] and not was["closed_at"]:
        refuse_twin(case)
        _refuse_set_aside(case)
    case.state, case.owner_id, case.resolution = was["state"], was["owner"], was["resolution"]
    case.team_id = was["team"]
    case.team_reason = was.get("team_reason", case.team_reason)
    case.waits_for = was.get("waits_for", case.waits_for)
    case.is_pinned = was.get("is_pinned", case.is_pinned)
    case.pinned_until = _moment(was.get("pinned_until"))
    case.wake_at, case.closed_at = _moment(was["wake_at"]), _moment(was["closed_at"])
    claim_cure(case, now=now)
    text = f"Took back: {event.verb}"
    line = draft_note(case, "undo", now, actor_id=actor_id, text=text, before=before)
    line.takes_back = event
    line.save()
    save(case, verb="upd" if case.closed_at is None else "gone")
    return case


def newest_act(case_id: int) -> CaseEvent | None:
    """The act that an undo would take back, if the case still stands as it left it."""
    standing = CaseEvent.objects.filter(case_id=case_id, verb__in=UNDOABLE, taken_back_by=None)
    return standing.order_by("-pk").first()


def _stands_as(case: ExceptionCase, after: dict[str, Any]) -> bool:
    """True when nothing that an act changes has changed since; old events know fewer columns."""
    now = snapshot(case)
    return all(now.get(name) == value for name, value in after.items())


def _moment(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
