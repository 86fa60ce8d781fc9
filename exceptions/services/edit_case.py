"""A corrected body for the message behind a case: kept as a version, and replayed if asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from connectors.models import InboundMessage, MessageVersion
from connectors.services.correct import correct_message
from exceptions.errors import VerbNotAllowed, VersionStale
from exceptions.lifecycle import CaseState
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.rows import person
from exceptions.services.acts import lock_case
from exceptions.services.cases import draft_note, save, snapshot
from exceptions.services.replay import lock_behind, take_again


@dataclass(frozen=True)
class Correction:
    """What a person typed: the body (None: what arrived, again), on which version, and why."""

    body: bytes | None
    based_on: int
    reason: str
    places: str = ""


@transaction.atomic
def edit_case(
    *, case_id: int, actor_id: int, correction: Correction, now: datetime, replay: bool = False
) -> MessageVersion:
    """Save a correction as the next version; a first edit claims the case.

    Raises `VersionStale` when it was made on a version that is not the newest any more,
    `VerbNotAllowed` when there is nothing to edit, and `NeedsOperator` naming the field when it
    can't be read.
    """
    lock_behind(case_id)
    case = lock_case(case_id)
    if case.inbound_id is None or case.state not in OPEN_STATES or case.state == "REPLAYING":
        raise VerbNotAllowed("There is no stopped message here that could be corrected.")
    before = {**snapshot(case), "version": correction.based_on}
    made = correct_message(
        message_id=case.inbound_id,
        body=correction.body,
        based_on=correction.based_on,
        author_id=actor_id,
        reason=correction.reason,
        now=now,
    )
    if made is None:
        raise VersionStale(_changed_by_another(case.inbound))
    _claim(case, actor_id)
    _tell(case, made, correction, before, now)
    save(case)
    if replay:
        take_again(case_id=case_id, actor_id=actor_id, now=now, within=f"version {made.number}")
    return made


def _changed_by_another(message: InboundMessage | None) -> str:
    newest = message and message.versions.select_related("author").order_by("number").last()
    who = (person(newest.author) if newest else "") or "Somebody"
    return (
        f"{who} changed this while you were editing. Your text is kept."
        " Choose which version to use."
    )


def _tell(
    case: ExceptionCase,
    made: MessageVersion,
    correction: Correction,
    before: dict[str, Any],
    now: datetime,
) -> None:
    what = f"changed {correction.places}" if correction.places else "as it arrived"
    text = f"Version {made.number}, {what}: {correction.reason}"
    line = draft_note(case, "edit", now, actor_id=made.author_id, before=before, text=text)
    line.after["version"] = made.number
    line.save()


def _claim(case: ExceptionCase, actor_id: int) -> None:
    if case.owner_id is None and case.state in {CaseState.NEW, CaseState.SNOOZED}:
        case.state, case.owner_id, case.wake_at = CaseState.CLAIMED, actor_id, None
