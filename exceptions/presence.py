"""Who else is at a case, in words; and which cases somebody else is editing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from exceptions.models import Presence
from exceptions.rows import person

# A tab says every 25 seconds what it has open. Whoever missed two of them is gone.
FRESH = timedelta(seconds=60)
NAMED = 2


@dataclass(frozen=True)
class Company:
    """Who else is here; `is_edited` when one of them is changing the message."""

    text: str = ""
    is_edited: bool = False


def others(user: Any, now: datetime) -> QuerySet[Presence]:
    """What other people have open now."""
    return Presence.objects.filter(seen_at__gte=now - FRESH).exclude(person=user.pk)


def company_at(case_id: int, *, user: Any, now: datetime) -> Company:
    """Who else has this case open, for somebody who may see it. Times are in the active zone."""
    here = others(user, now).filter(case_id=case_id).select_related("person")
    editing: dict[str, datetime] = {}
    viewing: dict[str, None] = {}
    for one in here.order_by("-is_editing", "since", "pk"):
        name = person(one.person)
        if one.is_editing:
            editing.setdefault(name, one.since)
        elif name not in editing:
            viewing[name] = None
    lines = [f"{name} is editing since {_clock(at)}" for name, at in editing.items()]
    return Company(" · ".join([*lines, *_viewing(list(viewing))]), bool(editing))


def _clock(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M}"


def _viewing(names: list[str]) -> list[str]:
    if len(names) > NAMED:
        names = [*names[:NAMED], f"{len(names) - NAMED} more"]
    if not names:
        return []
    *first, last = names
    return [f"{', '.join(first)} and {last} are viewing" if first else f"{last} is viewing"]
