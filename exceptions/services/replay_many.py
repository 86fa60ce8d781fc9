"""The same click for many messages and effects, in as many statements as for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from connectors.models import InboundMessage, OutboundMessage
from connectors.services.replay import replay_effects, replay_messages
from exceptions.lifecycle import CaseState, Outcome, allowed
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.services.calendars import Clocks
from exceptions.services.cases import save_all
from exceptions.services.replay import begin, corrected_of, sentence_of


class Taken(NamedTuple):
    """What became of a case: READY is begun; and how often it had failed again before."""

    outcome: Outcome
    failures: int = 0


@transaction.atomic(savepoint=False)
def replay_many(
    *, case_ids: Sequence[int], actor_id: int | None, now: datetime, within: str
) -> dict[int, Taken]:
    """Replay the messages and effects behind these cases; each is decided by itself, under lock.

    `within` names the run they are part of. One that has neither is told to have nothing.
    """
    _lock_behind(case_ids)
    rows = ExceptionCase.objects.select_related("policy", "outbound").defer("outbound__payload")
    cases = list(rows.select_for_update(of=("self",)).filter(pk__in=case_ids).order_by("pk"))
    begun = _replay([case for case in cases if allowed("replay", CaseState(case.state))], now)
    corrected = corrected_of([case.inbound_id for case in begun if case.inbound_id])
    clocks, lines = Clocks(), []
    taken = {case.pk: Taken(_why_not(case)) for case in cases}
    for case in begun:
        case.cure = "edit" if case.inbound_id in corrected else ""
        text = sentence_of(case, within)
        lines.append(begin(case, text, now, actor_id=actor_id, clocks=clocks))
        taken[case.pk] = Taken(Outcome.READY, case.failed_again)
    save_all(begun, lines, now=now)
    return taken


def _lock_behind(case_ids: Sequence[int]) -> None:
    """Messages before effects before cases, each in key order: never in a circle with workers."""
    cases = ExceptionCase.objects.filter(pk__in=case_ids)
    for model, name in ((InboundMessage, "inbound"), (OutboundMessage, "outbound")):
        behind = cases.exclude(**{name: None}).order_by().values(name)
        locked = model.objects.filter(pk__in=behind).select_for_update(of=("self",))
        list(locked.order_by("pk").values_list("pk", flat=True))


def _replay(cases: Sequence[ExceptionCase], now: datetime) -> list[ExceptionCase]:
    """Those whose message or effect was stopped and is under way by now."""
    inbound = [case.inbound_id for case in cases if case.inbound_id]
    outbound = [case.outbound_id for case in cases if case.outbound_id and not case.inbound_id]
    messages = replay_messages(message_ids=inbound, now=now)
    effects = replay_effects(message_ids=outbound, now=now)
    return [case for case in cases if case.inbound_id in messages or case.outbound_id in effects]


def _why_not(case: ExceptionCase) -> Outcome:
    if case.state == CaseState.REPLAYING:
        return Outcome.RUNNING  # somebody pressed the button of this one meanwhile
    return Outcome.NOTHING if case.state in OPEN_STATES else Outcome.CLOSED
