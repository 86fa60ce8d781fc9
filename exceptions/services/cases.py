"""Opening, finding and closing cases by what they point at. People's acts are in `acts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from exceptions.events import CaseChanged, CasesChanged
from exceptions.expected import PREFIX, is_expectation
from exceptions.incidents import INCIDENTS
from exceptions.lifecycle import CaseState
from exceptions.models import CaseEvent, Cause, ExceptionCase, Team
from exceptions.models.cases import OPEN_STATES
from exceptions.playbook import play_of, title_of
from exceptions.services.calendars import Clocks
from exceptions.services.causes import cause_after, find_cause
from exceptions.services.clocks import CLOCK, follow_act
from exceptions.services.draft import draft_cases, facts_of_all
from exceptions.services.ownership import route
from exceptions.services.proof import claim_cure
from retailhub.kernel.events import publish
from retailhub.kernel.rows import insert_rows, update_rows


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something stuck, and what it points at."""

    code: str
    detail: str
    context: dict[str, Any] = field(default_factory=dict)
    connection_id: int | None = None
    connection_name: str = ""
    inbound_id: int | None = None
    outbound_id: int | None = None
    order_id: int | None = None
    order_number: str = ""
    value: Decimal | None = None
    currency: str = ""
    trace_id: UUID | None = None
    subject: dict[str, Any] = field(default_factory=dict)  # the part of `context` it is about
    severity: int = 0  # the playbook's, unless one is given
    team: Team | None = None  # the one that the rules choose, unless one is given

    def facts(self) -> dict[str, Any]:
        """What ownership rules may ask beside the code, connection and value."""
        (found,) = facts_of_all([self])
        return found

    def open_cases(self) -> QuerySet[ExceptionCase]:
        """Open cases about the very same thing."""
        cases = ExceptionCase.objects.filter(state__in=OPEN_STATES)
        if self.inbound_id:
            return cases.filter(inbound_id=self.inbound_id)
        if self.outbound_id:
            return cases.filter(outbound_id=self.outbound_id)
        bare = cases.filter(inbound=None, outbound=None)
        if self.order_id:
            # A replay that ends in another trouble is the same story going on.
            of_order = bare.filter(order_id=self.order_id)
            same = of_order.filter(code=self.code)
            if is_expectation(self.code) or same.exists():
                return same
            others = of_order.filter(state=CaseState.REPLAYING)
            # What did not happen ends when it happens, not in another trouble.
            return others.exclude(code__startswith=PREFIX)
        return self._about_nothing_else(bare.filter(order=None))

    def _about_nothing_else(self, bare: QuerySet[ExceptionCase]) -> QuerySet[ExceptionCase]:
        if self.connection_id is None:
            bare = bare.filter(connection=None)
        else:
            bare = bare.filter(connection_id=self.connection_id)
        if self.code in INCIDENTS:
            return bare.filter(code__in=INCIDENTS)  # down or signed out: one incident
        return bare.filter(code=self.code, context__contains=self.subject)

    def closed_cases(self, cause: Cause) -> QuerySet[ExceptionCase]:
        """Closed ones of a cause about the very same thing, or another message of the order."""
        alike = Q(cause=cause) | Q(cause__split_from=cause)
        closed = ExceptionCase.objects.filter(alike, closed_at__isnull=False)
        if self.inbound_id:
            same = Q(inbound_id=self.inbound_id)
            if self.order_number:
                same |= Q(order_number=self.order_number, inbound__isnull=False)
            return closed.filter(same)
        if self.outbound_id:
            return closed.filter(outbound_id=self.outbound_id)
        bare = closed.filter(inbound=None, outbound=None)
        if self.order_id:
            return bare.filter(order_id=self.order_id)
        return bare.filter(order=None, context__contains=self.subject)

    def words(self) -> dict[str, Any]:
        """What a title may say."""
        return {**self.context, "connection": self.connection_name, "reason": self.detail}


@transaction.atomic
def open_case(problem: Problem, *, now: datetime) -> ExceptionCase:
    """A case for `problem`, or the one that is open already, told that it failed again."""
    known = problem.open_cases().select_for_update().order_by("pk").first()
    if known is not None:
        return _fail_again(known, problem, now)
    (case,) = _open([problem], now)
    return case


@transaction.atomic(savepoint=False)
def open_cases(problems: Sequence[Problem], *, now: datetime) -> None:
    """The same for many messages or effects: as many statements for all that are new as for one."""
    if not problems:
        return
    inbound = [problem.inbound_id for problem in problems if problem.inbound_id]
    outbound = [problem.outbound_id for problem in problems if problem.outbound_id]
    about = Q(inbound__in=inbound) | Q(outbound__in=outbound)
    rows = ExceptionCase.objects.filter(about, state__in=OPEN_STATES)
    locked = rows.select_for_update(of=("self",)).order_by("pk")
    known = {(case.inbound_id, case.outbound_id): case for case in locked}
    fresh = []
    for problem in problems:
        case = known.get((problem.inbound_id, problem.outbound_id))
        if case is None:
            fresh.append(problem)
        else:
            _fail_again(case, problem, now)
    _open(fresh, now)


def _open(problems: Sequence[Problem], now: datetime) -> list[ExceptionCase]:
    if not problems:
        return []
    drafts = draft_cases(problems, now=now)
    cases = insert_rows([case for case, _ in drafts])
    for case, assignment in drafts:
        assignment.case = case  # which has its id now
    insert_rows([assignment for _, assignment in drafts], needs_ids=False)
    insert_rows([_opened(case, now) for case in cases], needs_ids=False)
    publish(CasesChanged(cases=tuple((case.pk, case.version) for case in cases), verb="new"))
    return cases


def _opened(case: ExceptionCase, now: datetime) -> CaseEvent:
    after = snapshot(case)
    return CaseEvent(case=case, verb="opened", text=case.detail, before={}, after=after, at=now)


def _fail_again(case: ExceptionCase, problem: Problem, now: datetime) -> ExceptionCase:
    is_known = (case.code, case.detail) == (problem.code, problem.detail)
    if is_known and case.state != CaseState.REPLAYING:
        return case  # said again by a retry: no news, and no reason to end a snooze
    before = snapshot(case)
    case.code, case.detail, case.context = problem.code, problem.detail, problem.context
    case.title = title_of(problem.code, problem.words())
    case.severity = problem.severity or play_of(problem.code).severity
    found, _ = find_cause(problem, case.title, now=now)
    case.cause = cause_after(case.cause, found)
    if case.state == CaseState.REPLAYING:
        case.state = CaseState.CLAIMED if case.owner_id else CaseState.NEW
        case.failed_again += 1
        note(case, "failed again", now, text=problem.detail, before=before)
    if case.state == CaseState.SNOOZED:
        case.state, case.wake_at = CaseState.NEW, None
    case.facts = problem.facts()
    reroute(case, now=now)
    save(case)
    return case


def reroute(case: ExceptionCase, *, now: datetime) -> None:
    """Let the rules decide again for a locked case, and say so if it moves. The caller saves it.

    A pinned case stays where a person put it. Whoever works on the case keeps it: the team and the
    person are two things.
    """
    if case.is_pinned:
        return
    before, was = snapshot(case), case.team
    assignment = route(case, now=now)
    if case.team_id == before["team"]:
        return
    assignment.save()
    text = f"From {was or 'nobody'} to {case.team or 'nobody'}: {case.team_reason}"
    note(case, "moved", now, text=text, before=before)


_CURES = {
    "duplicate": "A newer message of the same order stands for it.",
    "not wanted": "It is not wanted any more.",
    "another case": "Another case about the same thing stands for it.",
}


@transaction.atomic(savepoint=False)
def close_cured(cases: QuerySet[ExceptionCase], *, how: str, now: datetime) -> int:
    """Close open cases whose work has since succeeded. Returns how many.

    As many statements for all as for one.
    """
    cases = cases.filter(state__in=OPEN_STATES)
    if not cases.exists():  # mostly there is none, and this is asked with every effect and order
        return 0
    locked = cases.select_related("policy").select_for_update(of=("self",))
    rows = list(locked.order_by("pk"))
    text, clocks, lines = _CURES.get(how, "It went through."), Clocks(), list[CaseEvent]()
    for case in rows:
        before = snapshot(case)
        was_replay = case.state == CaseState.REPLAYING
        case.state, case.closed_at = CaseState.RESOLVED, now
        case.resolution = "replay" if was_replay else how
        claim_cure(case, now=now)
        lines.append(draft_note(case, "resolved", now, clocks=clocks, text=text, before=before))
    save_all(rows, lines, now=now, verb="gone")
    return len(rows)


def snapshot(case: ExceptionCase) -> dict[str, Any]:
    """What an act may change, as JSON: enough to say before and after, and to undo."""
    return {
        "state": case.state,
        "owner": case.owner_id,
        "team": case.team_id,
        "team_reason": case.team_reason,
        "is_pinned": case.is_pinned,
        "pinned_until": case.pinned_until.isoformat() if case.pinned_until else None,
        "waits_for": case.waits_for,
        "wake_at": case.wake_at.isoformat() if case.wake_at else None,
        "closed_at": case.closed_at.isoformat() if case.closed_at else None,
        "resolution": case.resolution,
    }


def note(case: ExceptionCase, verb: str, now: datetime, **said: Any) -> CaseEvent:
    """A line of the case's activity; its clocks follow. The caller saves the case after it."""
    line = draft_note(case, verb, now, **said)
    line.save()
    return line


def draft_note(
    case: ExceptionCase,
    verb: str,
    now: datetime,
    *,
    actor_id: int | None = None,
    clocks: Clocks | None = None,
    **said: Any,
) -> CaseEvent:
    """The same, for the caller to save; of many, with the `clocks` of all."""
    follow_act(case, verb, actor_id, now=now, clocks=clocks or Clocks())
    after = snapshot(case)
    return CaseEvent(case=case, verb=verb, actor_id=actor_id, at=now, after=after, **said)


def save(case: ExceptionCase, *, verb: str = "upd") -> None:
    """Write a locked case as a new version and tell the pages."""
    case.version += 1
    case.save()
    publish(CaseChanged(case_id=case.pk, version=case.version, verb=verb))


def save_all(
    cases: Sequence[ExceptionCase],
    lines: Sequence[CaseEvent],
    *,
    now: datetime,
    verb: str = "upd",
) -> None:
    """The same for many that went through one act, with the lines of it."""
    if not cases:
        return
    for case in cases:
        case.version, case.updated_at = case.version + 1, now
    update_rows(cases, _ACTED)
    insert_rows(lines, needs_ids=False)
    publish(CasesChanged(cases=tuple((case.pk, case.version) for case in cases), verb=verb))


# What an act may change on a case; whose it is and what it is about are changed one by one.
_ACTED = (
    *("state", "wake_at", "waits_for", "responded_at", "closed_at", "resolution"),
    *("proof", "proof_text", "proof_at", "proof_due_at", "cure", "version", "updated_at"),
    *CLOCK,
)
