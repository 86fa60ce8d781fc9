"""Selected -> running: the plan is made again, confirmed numbers are kept, items are laid out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction

from exceptions.errors import NothingSelected, SelectionExpired
from exceptions.lifecycle import TAKEN, ItemState, Outcome
from exceptions.models import BulkScope, ReplayItem, ReplayRun
from exceptions.services.plan_replay import Plan, Planned, plan_replay
from exceptions.services.runs import cases_for, note_run
from exceptions.services.select_cases import belongs_to
from retailhub.kernel.rows import insert_rows

CANARY = 5


@transaction.atomic
def start_run(
    *, scope_id: Any, by: Any, now: datetime, reason: str = "", canary: int = CANARY
) -> ReplayRun:
    """Begin a replay of what was selected; a selection starts one run, however often it is asked.

    Raises `SelectionExpired` for somebody else's or an old one, `NothingSelected` when nothing of
    it can be replayed.
    """
    scope = _lock_scope(scope_id, by, now)
    known = ReplayRun.objects.filter(scope=scope).first()
    if known is not None:
        return known
    _one_at_a_time()
    plan = plan_replay(scope.case_ids, visible=cases_for(by))
    if plan.taken == 0:
        raise NothingSelected("None of these can be replayed now. Nothing was started.")
    run = _make(scope, plan, now, reason, canary)
    insert_rows(_items(run, plan, scope), needs_ids=False)
    note_run(run, "start", now, before={}, text=reason or run.title, actor_id=run.started_by_id)
    return run


def _lock_scope(scope_id: Any, by: Any, now: datetime) -> BulkScope:
    scope = BulkScope.objects.select_for_update().filter(pk=scope_id, **belongs_to(by)).first()
    if scope is None or scope.expires_at < now:
        raise SelectionExpired("This selection is too old. Select the exceptions again.")
    return scope


def _one_at_a_time() -> None:
    # Two runs that begin at the same moment would both count a case as theirs.
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('exceptions.start_run'))")


def _make(scope: BulkScope, plan: Plan, now: datetime, reason: str, canary: int) -> ReplayRun:
    first = min(canary, plan.taken)
    parent = scope.query.get("run")
    return ReplayRun.objects.create(
        title=plan.title,
        scope=scope,
        cause_id=scope.cause_id,
        parent_id=int(parent) if parent else None,
        started_by_id=scope.user_id,
        api_key_id=scope.api_key_id,
        incident_id=scope.incident_id,
        reason=reason,
        plan={**plan.as_json(), "canary": canary},
        connection_ids=plan.connection_ids,
        wave=first,
        allowed=first,
        started_at=now,
        next_look_at=now,
    )


def _items(run: ReplayRun, plan: Plan, scope: BulkScope) -> list[ReplayItem]:
    taken = [one for one in plan.cases if one.outcome in TAKEN]
    rest = [one for one in plan.cases if one.outcome not in TAKEN]
    gone = set(scope.case_ids) - {one.case_id for one in plan.cases}
    rest += [Planned(case_id, 0, Outcome.NO_ACCESS) for case_id in sorted(gone)]
    return [
        ReplayItem(
            run=run,
            case_id=one.case_id,
            number=number,
            state=(ItemState.PENDING if one.outcome in TAKEN else ItemState.SKIPPED).value,
            why="" if one.outcome in TAKEN else one.outcome.value,
        )
        for number, one in enumerate([*_by_turns(taken), *rest], start=1)
    ]


def _by_turns(cases: Sequence[Planned]) -> list[Planned]:
    """Each cause's first, then each cause's second: the first few try every cause."""
    turn: dict[int, int] = defaultdict(int)
    ordered: list[tuple[int, int, Planned]] = []
    for one in cases:
        turn[one.cause_id] += 1
        ordered.append((turn[one.cause_id], one.cause_id, one))
    return [one for _, _, one in sorted(ordered)]
