"""A tab opens a case, still has it open, or left."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth import get_user_model

from exceptions.models import Presence
from exceptions.presence import FRESH
from exceptions.selectors import visible_cases


def look_at(
    *, tab: UUID, person_id: int, case_id: int, is_editing: bool, now: datetime
) -> Presence | None:
    """Note that a tab has a case open; again and again, or it is forgotten.

    None, and nothing is noted, when this person may not see the case (any more).
    """
    person = get_user_model().objects.get(pk=person_id)
    if not visible_cases(person).filter(pk=case_id).exists():
        look_away(tab=tab)
        return None
    was = Presence.objects.filter(pk=tab, case_id=case_id, is_editing=is_editing).first()
    since = was.since if was else now
    return Presence.objects.update_or_create(
        tab=tab,
        defaults={
            "person_id": person_id,
            "case_id": case_id,
            "is_editing": is_editing,
            "since": since,
            "seen_at": now,
        },
    )[0]


def look_away(*, tab: UUID) -> None:
    """The tab has another page open, or is closed."""
    Presence.objects.filter(pk=tab).delete()


def forget_tabs(*, now: datetime) -> int:
    """Drop tabs that died without a word. Returns how many."""
    return Presence.objects.filter(seen_at__lt=now - FRESH).delete()[0]
