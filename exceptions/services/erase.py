"""The law asks for somebody's name to be forgotten, and an act quotes it: only the text goes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from exceptions.models import CaseEvent, Erasure


@transaction.atomic
def erase_text(*, event_id: int, actor_id: int, reason: str, now: datetime) -> Erasure:
    """Remove what an act says in words, for good, and put on record who did so and why.

    Who did what to which case, and when, stays. Asking again returns the first record.
    """
    said = {"actor_id": actor_id, "reason": reason, "at": now}
    erasure, _ = Erasure.objects.get_or_create(event_id=event_id, defaults=said)
    # The database lets the text go only after that row.
    CaseEvent.objects.filter(pk=event_id).exclude(text="").update(text="")
    return erasure
