"""A newer message stands for older ones: so does its case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.services.cases import close_cured, save


@transaction.atomic
def move_cases(*, message_ids: Sequence[int], to_id: int, now: datetime) -> None:
    """Let open cases of older messages follow the one that replaced them; doubles close."""
    open_ones = ExceptionCase.objects.filter(state__in=OPEN_STATES)
    rows = list(
        open_ones.filter(inbound_id__in=message_ids).select_for_update(of=("self",)).order_by("pk")
    )
    taken = open_ones.filter(inbound_id=to_id).exists()
    for case in rows:
        if taken:
            close_cured(open_ones.filter(pk=case.pk), how="duplicate", now=now)
            continue
        case.inbound_id, taken = to_id, True
        save(case)
