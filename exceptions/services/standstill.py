"""When another alarm stands for it: clocks are stopped, and what was raised is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from exceptions.services.expectations import close_cases, open_expectations


@transaction.atomic
def pause_order(*, order_id: int, templates: Sequence[str], now: datetime) -> int:
    """A locked order is held: its clocks stand. Returns how many were stopped."""
    rows = open_expectations().filter(
        order_id=order_id, template__code__in=templates, paused_at=None
    )
    ids = list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    _take_back(ids, now)
    return int(open_expectations().filter(pk__in=ids).update(paused_at=now))


@transaction.atomic
def resume_order(*, order_id: int, now: datetime) -> int:
    """A locked order goes on: what was paused is due as much later as it stood."""
    rows = open_expectations().filter(order_id=order_id).exclude(paused_at=None)
    later = F("due_at") + (now - F("paused_at"))
    return int(rows.update(due_at=later, paused_at=None))


@transaction.atomic
def stand_down(*, order_id: int, template: str, key: str, now: datetime) -> int:
    """What keeps it from happening has a case of its own; raised again if it outlives that."""
    rows = open_expectations().filter(order_id=order_id, template__code=template, business_key=key)
    ids = list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    return _take_back(ids, now)


def _take_back(ids: Sequence[int], now: datetime) -> int:
    raised = open_expectations().filter(pk__in=ids).exclude(case=None)
    cases = set(raised.values_list("case_id", flat=True))
    if not cases:
        return 0
    raised.update(raised_at=None, case=None)
    return close_cases(cases, how="another case", now=now)
