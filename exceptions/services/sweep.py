"""What the desk does by the clock."""

from __future__ import annotations

from datetime import datetime

from exceptions.lifecycle import CaseState
from exceptions.models import ExceptionCase
from exceptions.services.acts import wake_case


def wake_due_cases(*, now: datetime) -> int:
    """Bring back snoozed cases whose time has come. Returns how many."""
    due = ExceptionCase.objects.filter(state=CaseState.SNOOZED, wake_at__lte=now).order_by("pk")
    ids = list(due.values_list("pk", flat=True)[:500])
    for case_id in ids:
        wake_case(case_id=case_id, actor_id=None, now=now)
    return len(ids)
