"""Nobody's most urgent cases -> mine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from exceptions.models import ExceptionCase
from exceptions.selectors import cases_in, most_urgent
from exceptions.services.acts import claim_case


@transaction.atomic
def take_most_urgent(*, user: Any, count: int, now: datetime) -> list[ExceptionCase]:
    """Claim up to `count` cases that nobody has. Two who take at once get different ones."""
    free = most_urgent(cases_in("unassigned", user=user, now=now))
    locked = free.select_for_update(of=("self",), skip_locked=True)[:count]
    return [claim_case(case_id=case.pk, actor_id=user.pk, now=now) for case in locked]
