"""Two causes are one: shown, counted and replayed together from now on, future cases too."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from exceptions.errors import CauseMovedOn
from exceptions.events import CausesChanged
from exceptions.models import Cause, CauseEvent
from exceptions.services.causes import hold_causes
from retailhub.kernel.events import publish


@transaction.atomic
def merge_causes(
    *, cause_id: int, into_id: int, actor_id: int, reason: str, now: datetime
) -> CauseEvent:
    """Show one cause, with all that was merged into it before, as another.

    No case is touched, so one that opens meanwhile is part of it too. Raises `CauseMovedOn`.
    """
    hold_causes()
    cause, into = Cause.objects.get(pk=cause_id), Cause.objects.get(pk=into_id)
    if cause == into:
        raise CauseMovedOn("A cause can't be merged into itself. Choose another one.")
    if cause.merged_into_id or into.merged_into_id:
        raise CauseMovedOn("One of them was merged meanwhile. Nothing was changed.")
    moved = sorted(cause.merged.values_list("pk", flat=True))
    Cause.objects.filter(pk__in=[cause.pk, *moved]).update(merged_into=into)
    publish(CausesChanged(cause_ids=(cause.pk, into.pk, *moved)))
    return CauseEvent.objects.create(
        cause=cause,
        verb=CauseEvent.Verb.MERGE,
        other=into,
        moved=moved,
        actor_id=actor_id,
        reason=reason,
        at=now,
    )
