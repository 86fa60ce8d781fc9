"""What every act on a replay run shares: its numbers, its journal, and the word to open pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, QuerySet

from connectors.services.api_keys import Scope
from exceptions.events import ReplayRunChanged
from exceptions.lifecycle import ItemState
from exceptions.models import ExceptionCase, ReplayRun, RunEvent
from exceptions.selectors import visible_cases
from retailhub.kernel.events import publish
from retailhub.kernel.roles import Ability, may

LIVE = (ItemState.PENDING, ItemState.SENT)


def tally(run: ReplayRun) -> dict[ItemState, int]:
    """How many items stand where. Counted from the rows, so that it always adds up."""
    rows = run.items.order_by("state").values_list("state").annotate(n=Count("pk"))
    found = dict(rows)
    return {state: found.get(state.value, 0) for state in ItemState}


def last_end(run: ReplayRun) -> int:
    """The number of the newest end; 0 before the first."""
    newest: int | None = run.items.aggregate(newest=Max("end_number"))["newest"]
    return newest or 0


def note_run(
    run: ReplayRun,
    verb: str,
    now: datetime,
    *,
    before: Mapping[str, Any],
    text: str = "",
    actor_id: int | None = None,
) -> None:
    """A line of the run's activity, and a hint for its pages."""
    RunEvent.objects.create(
        run=run,
        verb=verb,
        actor_id=actor_id,
        text=text,
        before=dict(before),
        after=run.snapshot(),
        at=now,
    )
    publish(ReplayRunChanged(run_id=run.pk))


def cases_for(by: Any) -> QuerySet[ExceptionCase]:
    """What a person, or the key of a program, may replay many of *now*: nothing without the right.

    A key speaks for one connection, and for the cases on it; an incident for what hangs on it.
    """
    if isinstance(by, ExceptionCase):
        return by.children.all()
    if hasattr(by, "scopes"):
        is_allowed = by.is_active and Scope.REPLAYS_WRITE in by.scopes
        cases = ExceptionCase.objects.filter(connection_id=by.connection_id)
    else:
        is_allowed = may(by, Ability.REPLAY_MANY)
        cases = visible_cases(by)
    return cases if is_allowed else ExceptionCase.objects.none()
