"""Good answers -> rows: as many statements for a batch as for one answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from connectors.events import EffectsSent, SentEffect
from connectors.lifecycle import OutboundState
from connectors.models import Attempt, OutboundMessage
from connectors.services import breaker
from connectors.systems.base import Receipt
from retailhub.kernel.events import publish
from retailhub.kernel.rows import Statement, run_together, updating

if TYPE_CHECKING:
    from connectors.services.deliver import Answered

Sent: TypeAlias = "tuple[OutboundMessage, Answered, Receipt]"

_KEEP_NAMES = """
INSERT INTO connectors_externalreference (connection_id, kind, reference, external_id)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])
ON CONFLICT (connection_id, kind, reference) DO UPDATE SET external_id = excluded.external_id
"""
_CLOSED = (
    *("outcome", "finished_at", "detail", "error_code", "milliseconds", "is_look_up"),
    *("request", "response"),
)
_FINISHED = (
    *("state", "external_id", "finished_at", "must_look_up", "error_code", "error_detail"),
    "lease_until",
)


def write_sent(sent: Sequence[Sent], *, now: datetime) -> None:
    """Effects that other systems have. The caller locked the rows and saw that they are ours."""
    if not sent:
        return
    attempts = [_closed(answered, receipt, now) for _, answered, receipt in sent]
    messages = [_finished(message, receipt, now) for message, _, receipt in sent]
    run_together(
        updating(attempts, _CLOSED), updating(messages, _FINISHED), _keeping_names(messages)
    )
    for message in messages:
        breaker.note_success(message.connection, now=now)
    publish(
        EffectsSent(effects=tuple(_fact(m, r) for m, (*_, r) in zip(messages, sent, strict=True)))
    )


def _closed(answered: Answered, receipt: Receipt, now: datetime) -> Attempt:
    attempt = answered.attempt
    attempt.outcome = Attempt.Outcome.FOUND if answered.was_look_up else Attempt.Outcome.SENT
    attempt.finished_at = max(now, attempt.started_at)
    attempt.detail, attempt.error_code = receipt.detail[:2000], ""
    attempt.milliseconds = answered.milliseconds
    attempt.is_look_up = answered.was_look_up or attempt.is_look_up
    attempt.request, attempt.response = receipt.request, receipt.response
    return attempt


def _finished(message: OutboundMessage, receipt: Receipt, now: datetime) -> OutboundMessage:
    message.state, message.external_id = OutboundState.SENT, receipt.external_id[:200]
    message.finished_at, message.must_look_up = now, False
    message.error_code = message.error_detail = ""
    message.lease_until = None
    return message


def _keeping_names(messages: Sequence[OutboundMessage]) -> Statement:
    # Sorted, so that two batches never wait for each other in a circle.
    rows = sorted((m.connection_id, m.kind, m.reference, m.external_id) for m in messages)
    return _KEEP_NAMES, [list(column) for column in zip(*rows, strict=True)]


def _fact(message: OutboundMessage, receipt: Receipt) -> SentEffect:
    return SentEffect(
        message_id=message.pk,
        kind=message.kind,
        order_id=message.order_id,
        reference=message.reference,
        external_id=message.external_id,
        refused=tuple(receipt.refused),
        awaits_word=receipt.awaits_word,
    )
