"""What an answer means for the row that asked: sent, later, unknown, or a person's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from connectors import policy
from connectors.events import EffectsStopped
from connectors.lifecycle import Criticality, OutboundState
from connectors.models import Attempt, OutboundMessage
from connectors.registry import SINKS
from connectors.services import breaker, late
from connectors.services.sent import Sent, write_sent
from connectors.systems.base import IntentKind
from connectors.systems.http import CredentialsRejected, RemoteThrottled
from orders.selectors import lock_order_rows
from retailhub.kernel.errors import HubError, OutcomeUnknown, RetryLater
from retailhub.kernel.events import publish

if TYPE_CHECKING:
    from connectors.services.deliver import Answered

O = Attempt.Outcome  # noqa: E741 - read as a table below


def settle_answer(answered: Answered, *, now: datetime) -> None:
    """Write what came of one attempt. Of one that lost its lease, only what it proves counts."""
    settle_answers([answered], now=now)


@transaction.atomic(durable=True)
def settle_answers(answers: Sequence[Answered], *, now: datetime) -> None:
    """The same for several: all are written, or none."""
    # The orders before their effects, as everybody does: a good answer may move the order.
    lock_order_rows({a.message.order_id for a in answers if a.message.order_id is not None})
    messages = _locked(answers)
    sent: list[Sent] = []
    failed: list[OutboundMessage] = []
    for answered in answers:
        message = messages[answered.message.pk]
        if not _is_ours(message, answered):
            if (proof := late.proof_in(message, answered, now=now)) is not None:
                sent.append((message, answered, proof))
        elif answered.error is not None:
            _failed(message, answered, answered.error, now)
            failed.append(message)
        elif answered.receipt is not None:
            sent.append((message, answered, answered.receipt))
        else:
            _absent(message, answered, now)
    _tell_of_stopped(failed)
    write_sent(sent, now=now)


def _tell_of_stopped(failed: Sequence[OutboundMessage]) -> None:
    stopped = [m.pk for m in failed if m.state in {OutboundState.DEAD, OutboundState.MANUAL}]
    if stopped:
        publish(EffectsStopped(message_ids=tuple(stopped)))


def _locked(answers: Sequence[Answered]) -> dict[int, OutboundMessage]:
    asked = {answered.message.pk: answered.message for answered in answers}
    rows = OutboundMessage.objects.select_for_update().filter(pk__in=asked).order_by("pk")
    messages = {row.pk: row for row in rows.defer("payload")}
    for row in messages.values():
        row.connection = asked[row.pk].connection  # as it was when it was claimed
    return messages


def _is_ours(message: OutboundMessage, answered: Answered) -> bool:
    is_leased = message.lease_token == answered.attempt.lease_token
    return is_leased and message.state == OutboundState.SENDING


def _absent(message: OutboundMessage, answered: Answered, now: datetime) -> None:
    """Looked, and it is not there: now it may be asked for again."""
    _close(answered.attempt, O.ABSENT, now, answered, detail="Not there; it may be sent again.")
    message.state, message.must_look_up, message.next_attempt_at = OutboundState.READY, False, now
    _save(message)
    breaker.note_success(message.connection, now=now)


def _failed(message: OutboundMessage, answered: Answered, error: Exception, now: datetime) -> None:
    code = getattr(error, "code", "connectors.unexpected")
    known = isinstance(error, HubError)
    message.error_code = code
    message.error_detail = str(error) if known else f"{type(error).__name__}: something unforeseen."
    message.error_context = error.context if isinstance(error, HubError) else {}
    outcome = _outcome_of(error)
    context = message.error_context
    _close(
        answered.attempt,
        outcome,
        now,
        answered,
        detail=message.error_detail,
        code=code,
        status=context.get("status"),
        response=context.get("body") or context.get("answer"),
    )
    _MOVES[outcome](message, error, now)
    _save(message)
    if outcome in {O.LATER, O.UNKNOWN}:
        breaker.note_failure(message.connection, str(error), now=now)
    if isinstance(error, CredentialsRejected):
        breaker.note_sign_in_needed(message.connection, str(error), now=now)


def _outcome_of(error: Exception) -> Attempt.Outcome:
    if isinstance(error, RemoteThrottled):
        return O.THROTTLED
    if isinstance(error, OutcomeUnknown):
        return O.UNKNOWN
    if isinstance(error, RetryLater | CredentialsRejected):
        return O.LATER
    if isinstance(error, HubError):
        return O.REJECTED
    # Our own bug, perhaps after the call went out: in doubt, look.
    return O.UNKNOWN


def _later(message: OutboundMessage, error: Exception, now: datetime) -> None:
    if isinstance(error, CredentialsRejected):
        # The connection is paused with this; no attempt is burnt while it waits for a sign-in.
        message.state, message.next_attempt_at = OutboundState.READY, now
        return
    message.failures += 1
    _postpone(message, error, now)


def _postpone(message: OutboundMessage, error: Exception, now: datetime) -> None:
    if now >= message.deadline_at:
        message.state = _exhausted(message)
        message.error_detail = f"Tried until the deadline. {message.error_detail}"
        return
    asked = getattr(error, "after", None)
    wait = asked if asked is not None else _retry(message).wait(message.failures)
    # Doubt stays doubt: a look-up that could not be made must be made before anything is sent.
    message.state = OutboundState.UNKNOWN if message.must_look_up else OutboundState.READY
    message.next_attempt_at = now + timedelta(seconds=wait)


def _throttled(message: OutboundMessage, error: Exception, now: datetime) -> None:
    _postpone(message, error, now)


def _unknown(message: OutboundMessage, error: Exception, now: datetime) -> None:
    message.failures += 1
    if now >= message.deadline_at:
        message.state = OutboundState.MANUAL
        return
    sink = SINKS.get(message.connection.system)
    if sink is not None and IntentKind(message.kind) in sink.repeatable:
        # The system itself merges a second identical call: asking again is the look-up.
        message.must_look_up = False
        _postpone(message, error, now)
        return
    message.state, message.must_look_up = OutboundState.UNKNOWN, True
    message.next_attempt_at = now + timedelta(seconds=message.connection.settle_seconds)


def _rejected(message: OutboundMessage, error: Exception, now: datetime) -> None:
    # A refused look-up leaves the doubt: the effect may be there, and only a person can say.
    message.state = OutboundState.MANUAL if message.must_look_up else OutboundState.DEAD
    message.finished_at = now


_MOVES = {
    O.LATER: _later,
    O.THROTTLED: _throttled,
    O.UNKNOWN: _unknown,
    O.REJECTED: _rejected,
}


def _exhausted(message: OutboundMessage) -> OutboundState:
    # Money asks for a person's word; everything else is simply dead and replayable.
    is_money = message.criticality == Criticality.P0
    return OutboundState.MANUAL if is_money else OutboundState.DEAD


def _retry(message: OutboundMessage) -> policy.RetryPolicy:
    return policy.RETRIES[Criticality(message.criticality)]


def settle_crash(message: OutboundMessage, *, now: datetime) -> None:
    """A worker vanished with the call open (locked row): the outcome is unknown."""
    Attempt.objects.filter(message=message, finished_at=None).update(
        outcome=O.CRASHED,
        finished_at=Greatest(F("started_at"), now),  # the database's clock, then a worker's
        detail="The worker vanished during the call.",
    )
    message.lease_token += 1
    message.error_code, message.error_detail = (
        "connectors.outcome_unknown",
        "The worker vanished during the call.",
    )
    _unknown(message, OutcomeUnknown("The worker vanished during the call."), now)
    _save(message, "lease_token")
    if message.state == OutboundState.MANUAL:
        publish(EffectsStopped(message_ids=(message.pk,)))


def _close(
    attempt: Attempt,
    outcome: Attempt.Outcome,
    now: datetime,
    answered: Answered,
    *,
    detail: str,
    code: str = "",
    **said: Any,
) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(
        outcome=outcome,
        finished_at=max(now, attempt.started_at),
        detail=detail[:2000],
        error_code=code,
        milliseconds=answered.milliseconds,
        is_look_up=answered.was_look_up or attempt.is_look_up,
        **{name: value for name, value in said.items() if value is not None},
    )


def _save(message: OutboundMessage, *more: str) -> None:
    message.lease_until = None
    message.save(
        update_fields=[
            "state",
            "external_id",
            "finished_at",
            "must_look_up",
            "next_attempt_at",
            "failures",
            "error_code",
            "error_detail",
            "error_context",
            "lease_until",
            *more,
        ]
    )
