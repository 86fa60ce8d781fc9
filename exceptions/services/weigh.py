"""Keeps on each open case what it costs to let it wait, so that an index can sort by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from exceptions.events import CasesBreached
from exceptions.harm import Stake, harm_of
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from retailhub.kernel.events import publish
from retailhub.kernel.rows import update_rows

BATCH = 2_000
COLUMNS = ["is_late", "harm", "harm_until"]


def weigh(case: ExceptionCase, *, now: datetime) -> None:
    """Write on a case in hand what waiting costs. While its clock stands nothing changes."""
    found = harm_of(stake_of(case), case.paused_at or now)
    case.is_late, case.harm = found.is_late, found.amount
    case.harm_until = None if case.paused_at else found.until


def stake_of(case: ExceptionCase) -> Stake:
    """What hangs on it."""
    return Stake(
        severity=case.severity,
        due_at=case.due_at,
        value=case.value,
        currency=case.currency,
        promised_at=_promise(case.facts),
        late_percent=_percent(case.facts),
    )


def _promise(facts: Mapping[str, Any]) -> datetime | None:
    try:
        found = parse_datetime(str(facts.get("ship_by", "")))
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _percent(facts: Mapping[str, Any]) -> Decimal:
    try:
        found = Decimal(str(facts.get("late_percent", 0)))
    except InvalidOperation:
        return Decimal(0)
    return max(found, Decimal(0)) if found.is_finite() else Decimal(0)


def weigh_what_changed(*, now: datetime) -> int:
    """Weigh again what came nearer to its deadline by a step. Returns how many."""
    weighed = 0
    while batch := _batch(now):
        weighed += batch
    return weighed


@transaction.atomic
def _batch(now: datetime) -> int:
    due = ExceptionCase.objects.filter(harm_until__lte=now, state__in=OPEN_STATES)
    locked = due.select_for_update(of=("self",), skip_locked=True)
    names = ("severity", "due_at", "value", "currency", "facts", "paused_at", *COLUMNS)
    cases = list(locked.only("pk", *names).order_by("harm_until", "pk")[:BATCH])
    in_time = [case for case in cases if not case.is_late]
    for case in cases:
        weigh(case, now=now)
    update_rows(cases, COLUMNS)
    if breached := tuple(case.pk for case in in_time if case.is_late):
        publish(CasesBreached(case_ids=breached))
    return len(cases)
