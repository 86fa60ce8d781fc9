"""What a channel said to the numbers of one call -> what became of each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.events import Refusal, SentEffect
from connectors.lifecycle import OutboundState
from connectors.models import OutboundMessage
from connectors.services.enqueue import Effect, enqueue_effects
from connectors.services.replay import drop_effect
from connectors.systems.base import IntentKind
from connectors.systems.stock import STOCK_KINDS
from inventory.models import ChannelOffer
from inventory.services.told import Failed, Overtaken, Refused, note_told

_KINDS = [kind.value for kind in STOCK_KINDS]


def note_stock_answers(effects: Iterable[SentEffect], *, now: datetime) -> None:
    """Numbers that channels took, refused, or will say more about later."""
    answers = {effect.message_id: effect for effect in effects if effect.kind in _KINDS}
    if not answers:
        return
    calls = list(OutboundMessage.objects.filter(pk__in=answers).order_by("pk"))
    refused = [refusal for effect in answers.values() for refusal in effect.refused]
    out = {refusal.publication_id for refusal in refused}
    later = [call for call in calls if answers[call.pk].awaits_word]
    note_told(
        taken={
            pk for call in calls if call not in later for pk in told_by(call)
        } - out,
        refused=[_refused(one) for one in refused if one.observed is None],
        overtaken=[_overtaken(one) for one in refused if one.observed is not None],
        now=now,
    )  # fmt: skip
    enqueue_effects([_confirmation(call, answers[call.pk]) for call in later], now=now)
    _drop_outdated({call.connection_id for call in calls}, now)


def note_stock_stopped(*, message_id: int, now: datetime) -> None:
    """A call that needs a person: its numbers were not told. Other effects are no news here."""
    call = OutboundMessage.objects.filter(pk=message_id, kind__in=_KINDS).first()
    if call is not None:
        failed = Failed(
            publication_ids=told_by(call),
            code=call.error_code,
            detail=call.error_detail,
        )
        note_told(failed=failed, now=now)


def told_by(call: OutboundMessage) -> Sequence[int]:
    """The publications that a call carries."""
    ids: Sequence[int] = call.payload.get("publications", ())
    return ids


def _refused(one: Refusal) -> Refused:
    return Refused(
        publication_id=one.publication_id, code=one.code, detail=one.detail, context=one.context
    )


def _overtaken(one: Refusal) -> Overtaken:
    seen: Mapping[str, int] = one.observed or {}
    return Overtaken(
        publication_id=one.publication_id, quantity=sum(seen.values()), nodes=dict(seen)
    )


def _confirmation(call: OutboundMessage, answer: SentEffect) -> Effect:
    refused = {refusal.publication_id for refusal in answer.refused}
    entries = [e for e in call.payload["entries"] if e["publication"] not in refused]
    payload: dict[str, Any] = {
        "reference": call.reference,
        "external_id": answer.external_id,
        "publications": [pk for pk in told_by(call) if pk not in refused],
        "entries": entries,
    }
    return Effect(
        connection_id=call.connection_id,
        kind=IntentKind.CONFIRM_STOCK,
        reference=call.reference,
        lane=call.lane,
        payload=payload,
        trace_id=call.trace_id,
    )


def _drop_outdated(connection_ids: Iterable[int], now: datetime) -> None:
    """A stopped call all of whose numbers were replaced since is wanted no more."""
    stopped = OutboundMessage.objects.select_for_update(skip_locked=True).filter(
        connection_id__in=list(connection_ids),
        kind__in=_KINDS,
        state__in=[OutboundState.DEAD, OutboundState.MANUAL],
    )
    rows: Sequence[OutboundMessage] = list(stopped.order_by("pk")[:20])
    wanted = _newest({pk for row in rows for pk in told_by(row)}) if rows else set()
    for row in rows:
        if not wanted.intersection(told_by(row)):
            drop_effect(row, now)


def _newest(publication_ids: set[int]) -> set[int]:
    offers = ChannelOffer.objects.filter(last_id__in=publication_ids)
    return {pk for pk in offers.values_list("last_id", flat=True) if pk is not None}
