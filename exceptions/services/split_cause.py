"""Some cases have another cause than the rest: they get one of their own, future ones do not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from exceptions.errors import CauseMovedOn
from exceptions.events import CausesChanged
from exceptions.groups import cases_of_cause
from exceptions.models import Cause, CauseEvent, ExceptionCase
from exceptions.services.cases import note, save, snapshot
from exceptions.services.causes import hold_causes
from retailhub.kernel.events import publish

# A page of them: more are split by a correction rule or a mapping, not by hand.
MOST = 200


@transaction.atomic
def split_cause(
    *, cause_id: int, case_ids: Sequence[int], title: str, actor_id: int, reason: str, now: datetime
) -> CauseEvent:
    """Give these cases a cause of their own. Raises `CauseMovedOn` unless all of them are of it."""
    hold_causes()
    cause = Cause.objects.get(pk=cause_id)
    mine = cases_of_cause(cause.pk).filter(pk__in=case_ids)
    cases = list(mine.select_for_update(of=("self",)).order_by("pk"))
    if not cases or len(cases) != len(set(case_ids)):
        raise CauseMovedOn("Some of them are of another cause by now. Nothing was changed.")
    part = Cause.objects.create(
        fingerprint=_told_apart(cause),
        code=cause.code,
        title=title[:300],
        connection_id=cause.connection_id,
        split_from_id=cause.split_from_id or cause.pk,
        first_seen_at=min(case.opened_at for case in cases),
        last_seen_at=max(case.opened_at for case in cases),
    )
    _move(cases, part, actor_id=actor_id, text=f"To “{part.title}”: {reason}", now=now)
    publish(CausesChanged(cause_ids=(cause.pk, part.pk)))
    return CauseEvent.objects.create(
        cause=cause,
        verb=CauseEvent.Verb.SPLIT,
        other=part,
        actor_id=actor_id,
        reason=reason,
        at=now,
    )


def _told_apart(cause: Cause) -> str:
    """The fingerprint of the whole with what tells this part apart: no problem ever has it."""
    root = Cause.objects.get(pk=cause.split_from_id or cause.pk)
    text = f"{root.fingerprint}|split|{root.parts.count() + 1}"
    return hashlib.sha256(text.encode()).hexdigest()


def _move(
    cases: Sequence[ExceptionCase], part: Cause, *, actor_id: int, text: str, now: datetime
) -> None:
    for case in cases:
        before = snapshot(case)
        case.cause = part
        note(case, "split", now, actor_id=actor_id, text=text, before=before)
        save(case)
