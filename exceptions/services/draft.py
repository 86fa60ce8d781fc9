"""New cases for many problems at once: what they ask of the database is asked once for all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Q

from exceptions.incidents import BACK, CAUSED, INCIDENTS
from exceptions.lifecycle import CaseState
from exceptions.models import Assignment, Cause, ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.playbook import play_of, title_of
from exceptions.services.calendars import Clocks
from exceptions.services.causes import find_cause
from exceptions.services.clocks import start_clocks
from exceptions.services.facts import About, Kept, read_facts
from exceptions.services.fingerprint import fingerprint
from exceptions.services.ownership import current_rules, route

if TYPE_CHECKING:
    from exceptions.services.cases import Problem

Draft = tuple[ExceptionCase, Assignment]
Subject = tuple[str, object]
_KINDS = ("inbound", "outbound", "number")
_ANY: Subject = ("desk", None)


def draft_cases(problems: Sequence[Problem], *, now: datetime) -> list[Draft]:
    """A case for each problem, not saved yet, with its cause, facts, clocks and team."""
    causes = _causes(problems, now)
    pasts = _pasts(problems, causes)
    parents, facts = _incidents_of(problems), facts_of_all(problems)
    clocks, rules = Clocks(), current_rules()
    drafts = []
    for n, problem in enumerate(problems):
        case = _case(problem, now)
        case.cause, case.recurs_id, case.facts = causes[n][0], pasts[n], facts[n]
        if problem.code in CAUSED:
            case.parent_id = parents.get(problem.connection_id)
        start_clocks(case, minutes=play_of(problem.code).minutes, now=now, clocks=clocks)
        drafts.append((case, route(case, now=now, team=problem.team, rules=rules)))
    return drafts


def _case(problem: Problem, now: datetime) -> ExceptionCase:
    return ExceptionCase(
        code=problem.code,
        title=title_of(problem.code, problem.words()),
        detail=problem.detail,
        context=problem.context,
        severity=problem.severity or play_of(problem.code).severity,
        connection_id=problem.connection_id,
        inbound_id=problem.inbound_id,
        outbound_id=problem.outbound_id,
        order_id=problem.order_id,
        order_number=problem.order_number,
        value=problem.value,
        currency=problem.currency,
        trace_id=problem.trace_id,
        state=CaseState.NEW,
        opened_at=now,
    )


def facts_of_all(problems: Sequence[Problem]) -> list[Kept]:
    """What ownership rules may ask about each, beside the code, connection and value."""
    return read_facts([About(p.connection_id, p.order_id, p.outbound_id) for p in problems])


def _causes(problems: Sequence[Problem], now: datetime) -> list[tuple[Cause, bool]]:
    """The cause of each problem, and whether it is new. Many problems have few causes."""
    names = [fingerprint(p.code, p.connection_id, p.detail, p.context) for p in problems]
    # Always in the same order: two batches with the same causes wait, and never in a circle.
    firsts = sorted(dict(zip(reversed(names), reversed(problems), strict=True)).items())
    found = {
        name: find_cause(one, title_of(one.code, one.words()), now=now) for name, one in firsts
    }
    return [found[name] for name in names]


def _pasts(problems: Sequence[Problem], causes: Sequence[tuple[Cause, bool]]) -> list[int | None]:
    """The newest closed case about each problem and its cause: it is back."""
    closed = _closed_subjects(problems)
    return [
        None if is_new or not _subjects(problem) & closed else _newest(problem, cause)
        for problem, (cause, is_new) in zip(problems, causes, strict=True)
    ]


def _newest(problem: Problem, cause: Cause) -> int | None:
    closed = problem.closed_cases(cause).order_by("-closed_at")
    return closed.values_list("pk", flat=True).first()


def _subjects(problem: Problem) -> set[Subject]:
    """By what closed cases about the same thing are found; any will do for the desk's own."""
    if problem.inbound_id is not None:
        return {("inbound", problem.inbound_id), ("number", problem.order_number)}
    if problem.outbound_id is not None:
        return {("outbound", problem.outbound_id)}
    return {_ANY}


def _closed_subjects(problems: Sequence[Problem]) -> set[Subject]:
    wanted = set().union(*map(_subjects, problems)) - {("number", "")}
    values = {kind: [value for one, value in wanted if one == kind] for kind in _KINDS}
    closed = ExceptionCase.objects.filter(
        Q(inbound__in=values["inbound"])
        | Q(outbound__in=values["outbound"])
        | Q(order_number__in=values["number"], inbound__isnull=False),
        closed_at__isnull=False,
    )
    rows = closed.values_list("inbound", "outbound", "order_number")
    found = {one for row in rows for one in zip(_KINDS, row, strict=True)}
    return (found & wanted) | {_ANY}


def _incidents_of(problems: Sequence[Problem]) -> dict[int | None, int]:
    """The incident that stands for each connection whose system does not answer."""
    shops = {p.connection_id for p in problems if p.code in CAUSED and p.connection_id is not None}
    down = ExceptionCase.objects.filter(
        connection_id__in=shops, code__in=INCIDENTS, state__in=OPEN_STATES
    ).exclude(context__has_key=BACK)
    return dict(down.order_by("-pk").values_list("connection_id", "pk")) if shops else {}
