"""The two clocks of a case: until somebody is at it, and until it is solved. They can stand."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, When

from exceptions.events import CasesChanged
from exceptions.incidents import INCIDENTS
from exceptions.lifecycle import CaseState
from exceptions.models import ExceptionCase, SlaPolicy
from exceptions.models.cases import OPEN_STATES, PauseReason, WaitsFor
from exceptions.services.calendars import Clocks
from exceptions.services.weigh import COLUMNS, weigh
from exceptions.worktime import business_time, due_at
from retailhub.kernel.events import publish
from retailhub.kernel.rows import update_rows

BATCH = 500
# What shows that somebody is at it. To hide, hand on or take back shows nothing.
RESPONSES = frozenset({"claim", "take_over", "note", "wait", "replay", "resolve", "ignore"})
CLOCK = [
    *("due_at", "respond_due_at", "paused_at", "pause_reason", "paused_for", "ladder_at"),
    *COLUMNS,
]


def start_clocks(case: ExceptionCase, *, minutes: int, now: datetime, clocks: Clocks) -> None:
    """Set both deadlines of a new case: by the last policy that matches, else `minutes`."""
    policy = clocks.policy_for(case.code, case.severity)
    hours = clocks.hours_of(policy)
    case.policy = policy
    case.minutes = policy.resolve_minutes if policy else minutes
    case.due_at = due_at(hours, now, timedelta(minutes=case.minutes))
    if policy and policy.respond_minutes:
        case.respond_due_at = due_at(hours, now, timedelta(minutes=policy.respond_minutes))
    case.ladder_at = now
    if _stands_for_connection(case, clocks):
        pause(case, PauseReason.CONNECTION, now=now)
    weigh(case, now=now)


def follow_act(
    case: ExceptionCase, verb: str, actor_id: int | None, *, now: datetime, clocks: Clocks
) -> None:
    """Let the clocks of a case in hand follow what was done to it. The caller saves it."""
    if actor_id is not None and verb in RESPONSES and case.responded_at is None:
        case.responded_at = now
    if case.state != CaseState.WAITING:
        case.waits_for = ""
    wants = _reason_to_stand(case, clocks)
    if wants and not case.paused_at:
        pause(case, wants, now=now)
    elif not wants and case.paused_at and case.closed_at is None:
        resume(case, now=now, clocks=clocks)
    elif wants and wants != case.pause_reason:
        case.pause_reason = wants
    if case.closed_at is None:
        weigh(case, now=now)


def _reason_to_stand(case: ExceptionCase, clocks: Clocks) -> str:
    if case.state == CaseState.WAITING and _waits(case.policy, case.waits_for):
        return PauseReason.WAITING.value
    if case.pause_reason and _stands_for_connection(case, clocks):
        return PauseReason.CONNECTION.value
    return ""


def _waits(policy: SlaPolicy | None, waits_for: str) -> bool:
    allowed = {
        WaitsFor.CUSTOMER.value: policy is None or policy.pauses_for_customer,
        WaitsFor.VENDOR.value: policy is None or policy.pauses_for_vendor,
    }
    return allowed.get(waits_for, False)


def _stands_for_connection(case: ExceptionCase, clocks: Clocks) -> bool:
    if case.connection_id is None or case.code in INCIDENTS:
        return False
    if case.policy and not case.policy.pauses_for_connection:
        return False
    return clocks.is_down(case.connection_id)


def pause(case: ExceptionCase, reason: str, *, now: datetime) -> None:
    """Let the clocks of a case in hand stand."""
    case.paused_at, case.pause_reason, case.ladder_at = now, str(reason), None


def resume(case: ExceptionCase, *, now: datetime, clocks: Clocks) -> None:
    """Let them go on with as much time as was left. What was over stays over."""
    if case.paused_at is None:
        return
    hours, since = clocks.hours_of(case.policy), case.paused_at
    if case.due_at > since:
        case.due_at = due_at(hours, now, business_time(hours, since, case.due_at))
    if case.respond_due_at and case.respond_due_at > since and case.responded_at is None:
        left = business_time(hours, since, case.respond_due_at)
        case.respond_due_at = due_at(hours, now, left)
    case.paused_for += now - since
    case.paused_at, case.pause_reason, case.ladder_at = None, "", now


@transaction.atomic
def pause_for_connection(*, connection_id: int, now: datetime) -> int:
    """A connection is down: what hangs on it can't be solved, and has one incident instead.

    Two statements, however many there are. Returns how many clocks were stopped.
    """
    rows = ExceptionCase.objects.filter(
        connection_id=connection_id, state__in=OPEN_STATES, paused_at=None
    )
    rows = rows.exclude(code__in=INCIDENTS).exclude(policy__pauses_for_connection=False)
    locked = rows.select_for_update(of=("self",)).order_by("pk")
    found = list(locked.values_list("pk", "version"))
    ExceptionCase.objects.filter(pk__in=[pk for pk, _ in found]).update(
        paused_at=now,
        pause_reason=PauseReason.CONNECTION,
        ladder_at=None,
        # What was due already, though not yet weighed as late, still is.
        harm_until=Case(When(due_at__lte=now, is_late=False, then=now)),
        version=F("version") + 1,
    )
    publish(CasesChanged(cases=tuple((pk, version + 1) for pk, version in found)))
    return len(found)


def resume_for_connection(*, connection_id: int, now: datetime) -> int:
    """It is back: clocks go on, but those that wait for somebody outside."""
    resumed = 0
    while batch := _resume_batch(connection_id, now):
        resumed += batch
    return resumed


@transaction.atomic
def _resume_batch(connection_id: int, now: datetime) -> int:
    rows = ExceptionCase.objects.filter(
        connection_id=connection_id, state__in=OPEN_STATES, pause_reason=PauseReason.CONNECTION
    )
    locked = rows.select_related("policy").select_for_update(of=("self",)).order_by("pk")
    cases, clocks = list(locked[:BATCH]), Clocks()
    for case in cases:
        case.version += 1
        if case.state == CaseState.WAITING and _waits(case.policy, case.waits_for):
            case.pause_reason = PauseReason.WAITING
        else:
            resume(case, now=now, clocks=clocks)
        weigh(case, now=now)
    update_rows(cases, [*CLOCK, "version"])
    publish(CasesChanged(cases=tuple((case.pk, case.version) for case in cases)))
    return len(cases)
