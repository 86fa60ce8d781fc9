"""Merged or split by mistake: back to what was before, by an act of its own."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from exceptions.errors import NothingToUndo
from exceptions.events import CausesChanged
from exceptions.models import Cause, CauseEvent
from exceptions.services.causes import hold_causes
from retailhub.kernel.events import publish


@transaction.atomic
def undo_causes(*, event_id: int, actor_id: int, now: datetime) -> CauseEvent:
    """Take back a merge or a split that still stands. Raises `NothingToUndo`."""
    hold_causes()
    event = CauseEvent.objects.select_related("cause", "other").get(pk=event_id)
    if event.verb == CauseEvent.Verb.UNDO or CauseEvent.objects.filter(takes_back=event).exists():
        raise NothingToUndo("It was taken back already; nothing was changed.")
    take_back = _unmerge if event.verb == CauseEvent.Verb.MERGE else _unsplit
    take_back(event)
    touched = {event.cause_id, event.cause.shown_id, event.other_id, *event.moved}
    publish(CausesChanged(cause_ids=tuple(sorted(touched))))
    return CauseEvent.objects.create(
        cause=event.cause,
        verb=CauseEvent.Verb.UNDO,
        other=event.other,
        actor_id=actor_id,
        at=now,
        takes_back=event,
    )


def _unmerge(event: CauseEvent) -> None:
    if event.cause.merged_into_id != event.other_id:
        raise NothingToUndo("It was merged further meanwhile: take that back first.")
    Cause.objects.filter(pk=event.cause_id).update(merged_into=None)
    followed = Cause.objects.filter(pk__in=event.moved, merged_into=event.other_id)
    followed.update(merged_into=event.cause_id)


def _unsplit(event: CauseEvent) -> None:
    """The part is shown with the whole again; its cases need not be touched."""
    if event.other.merged_into_id:
        raise NothingToUndo("The part was merged meanwhile: take that back first.")
    parts = [event.other_id, *event.other.merged.values_list("pk", flat=True)]
    Cause.objects.filter(pk__in=parts).update(merged_into=event.cause.shown_id)
