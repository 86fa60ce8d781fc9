"""What does an answer prove that came after its lease was lost?

Such an answer moves no clock and undoes nothing: somebody else has the row. But a receipt is the
system's word that the effect exists, whoever hears it.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Case, F, Value, When
from django.db.models.functions import Greatest

from connectors.errors import ReceiptsDisagree
from connectors.events import EffectDoubted
from connectors.lifecycle import OUTBOUND_DONE, OutboundState
from connectors.models import Attempt, OutboundMessage
from connectors.systems.base import Receipt
from retailhub.kernel.errors import HubError, OutcomeUnknown
from retailhub.kernel.events import publish

if TYPE_CHECKING:
    from connectors.services.deliver import Answered

log = logging.getLogger(__name__)

O = Attempt.Outcome  # noqa: E741 - short, as in `settle`


def proof_in(message: OutboundMessage, answered: Answered, *, now: datetime) -> Receipt | None:
    """The receipt that a locked `message` must be written as sent with, if the answer brings one.

    Whoever works on the row meanwhile is fenced off with it. What was sent already, or will never
    be sent, keeps its end; a person is asked where the receipt speaks of another record.
    """
    log.warning("late answer for %s: its lease was taken over", message.effect_key)
    receipt = answered.receipt
    if receipt is not None and message.state not in OUTBOUND_DONE:
        _fence_off(message, answered, now)
        return replace(receipt, detail=f"Said after the lease had passed on. {receipt.detail}")
    _note(answered, now)
    if receipt is not None and (doubt := _doubt(message, receipt)):
        error = ReceiptsDisagree(doubt)
        publish(EffectDoubted(message_id=message.pk, code=error.code, detail=str(error)))
    return None


def _fence_off(message: OutboundMessage, answered: Answered, now: datetime) -> None:
    """Nobody else's word on it counts. What a call may still do, the next effect waits for."""
    message.lease_token += 1
    message.save(update_fields=["lease_token"])
    others = Attempt.objects.filter(message=message, finished_at=None)
    others.exclude(pk=answered.attempt.pk).update(
        outcome=Case(When(is_look_up=True, then=Value(O.LATE)), default=Value(O.UNKNOWN)),
        finished_at=Greatest(F("started_at"), now),
        detail="Its effect was proved by another call meanwhile.",
    )


def _doubt(message: OutboundMessage, receipt: Receipt) -> str:
    system, heard = message.connection.name, receipt.external_id[:200]
    if message.state != OutboundState.SENT:
        return f"{system} has {heard} for {message.reference}, which was set aside here."
    if heard and message.external_id and heard != message.external_id:
        return f"{system} has both {message.external_id} and {heard} for {message.reference}."
    return ""


def _note(answered: Answered, now: datetime) -> None:
    """In the journal. A call in doubt stays in doubt: the next effect of its lane waits for it.

    An attempt that is good already was only settled twice, after a commit whose answer was lost.
    """
    error = answered.error
    is_sure = error is None or (
        isinstance(error, HubError) and not isinstance(error, OutcomeUnknown)
    )
    Attempt.objects.filter(pk=answered.attempt.pk).exclude(outcome__in=[O.SENT, O.FOUND]).update(
        outcome=O.LATE if is_sure else O.UNKNOWN,
        finished_at=max(now, answered.attempt.started_at),
        detail=str(error) if error else f"Said {answered.receipt} after the lease had passed on.",
    )
