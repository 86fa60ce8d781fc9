"""Whoever may no longer sign in keeps no work: it goes back to the teams."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from exceptions.events import CaseChanged
from exceptions.lifecycle import CaseState
from exceptions.models import CaseEvent, ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.services.cases import snapshot
from retailhub.kernel.events import publish
from retailhub.kernel.rows import insert_rows, update_rows

BATCH = 500


def release_work_of_leavers(*, now: datetime) -> int:
    """Take open cases from everybody who was switched off. Returns how many."""
    released = 0
    while batch := _release_batch(now):
        released += batch
    return released


@transaction.atomic
def _release_batch(now: datetime) -> int:
    held = ExceptionCase.objects.filter(state__in=OPEN_STATES, owner__is_active=False)
    locked = held.select_related("owner").select_for_update(of=("self",), skip_locked=True)
    cases = list(locked.order_by("pk")[:BATCH])
    events = [_release(case, now) for case in cases]
    update_rows(cases, ["owner", "state", "version"])
    insert_rows(events, needs_ids=False)
    for case in cases:
        publish(CaseChanged(case_id=case.pk, version=case.version, verb="upd"))
    return len(cases)


def _release(case: ExceptionCase, now: datetime) -> CaseEvent:
    before, was = snapshot(case), case.owner
    name = (was.get_short_name() or was.get_username()) if was else ""
    case.owner, case.version = None, case.version + 1
    if case.state == CaseState.CLAIMED:
        case.state = CaseState.NEW
    text = f"{name} works here no more."
    return CaseEvent(
        case=case, verb="release", text=text, before=before, after=snapshot(case), at=now
    )
