"""Which cases are meant? Those that were seen, by number, for a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet

from connectors.models import ApiKey
from exceptions.errors import NothingSelected
from exceptions.models import BulkScope, ExceptionCase

MOST_SELECTED = 10_000
LIFE = timedelta(hours=12)


def select_cases(
    cases: QuerySet[ExceptionCase],
    *,
    by: Any,
    now: datetime,
    query: Mapping[str, str] | None = None,
    cause_id: int | None = None,
) -> BulkScope:
    """Keep the numbers of `cases`, for `by` alone: a person, a program's key, an incident.

    Raises `NothingSelected` when there is none, or more than anybody can mean.
    """
    ids = list(cases.order_by("pk").values_list("pk", flat=True).distinct()[: MOST_SELECTED + 1])
    if not ids:
        raise NothingSelected("None of these exceptions is here any more. Nothing was selected.")
    if len(ids) > MOST_SELECTED:
        raise NothingSelected(
            f"More than {MOST_SELECTED:,} exceptions match. Narrow the filter first.".replace(
                ",", " "
            )
        )
    newest = ExceptionCase.objects.aggregate(newest=Max("pk"))["newest"]
    return BulkScope.objects.create(
        **belongs_to(by),
        query=dict(query or {}),
        case_ids=ids,
        snapshot_max_id=newest,
        cause_id=cause_id,
        created_at=now,
        expires_at=now + LIFE,
    )


def belongs_to(by: Any) -> dict[str, Any]:
    """The column of a selection that says whose it is."""
    if isinstance(by, ApiKey):
        return {"api_key": by}
    return {"incident": by} if isinstance(by, ExceptionCase) else {"user_id": by.pk}


def forget_selections(*, now: datetime) -> int:
    """Drop selections that nobody acted on in time. Returns how many."""
    return BulkScope.objects.filter(expires_at__lt=now, run=None).delete()[0]
