"""A person says that a stopped effect is there. Is it? One read of the system itself, no write."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from connectors.lifecycle import OutboundState
from connectors.models import Attempt, OutboundMessage
from connectors.registry import SINKS
from connectors.services import limiter
from connectors.services.clients import client_for
from connectors.services.codes import Codes
from connectors.services.credentials import account_of
from connectors.services.deliver import Answered
from connectors.services.sent import write_sent
from connectors.systems.base import Intent, IntentKind, Receipt, Sink
from connectors.systems.network import deadline_in
from orders.selectors import lock_orders
from retailhub.kernel.errors import HubError
from retailhub.kernel.trace import tracing

log = logging.getLogger(__name__)

STOPPED = frozenset({OutboundState.DEAD, OutboundState.MANUAL})


class Seen(StrEnum):
    """What a look showed."""

    FOUND = "FOUND"
    ABSENT = "ABSENT"
    MOVED = "MOVED"  # it did not stand still any more: its own end tells
    LATER = "LATER"  # the system could not be asked now
    BLIND = "BLIND"  # it offers no look-up


@dataclass(frozen=True)
class Look:
    """The same with its evidence: the record that was found, or why nothing could be seen."""

    seen: Seen
    text: str = ""


def prove_effect(*, message_id: int, now: datetime) -> Look:
    """Ask the system whether a stopped effect is there. A found one is from now on a sent one.

    The look is kept in the journal of attempts. It takes only what live calls leave of the rate.
    """
    message = OutboundMessage.objects.select_related("connection").get(pk=message_id)
    connection = message.connection
    if message.state not in STOPPED:
        return Look(Seen.MOVED)
    sink = SINKS.get(connection.system)
    if sink is None or message.kind not in sink.kinds:
        return Look(Seen.BLIND, f"{connection.name} can't be asked")
    if not connection.is_active or connection.outbound_paused_at or connection.closed_until:
        return Look(Seen.LATER, f"{connection.name} is paused or down")
    began = time.monotonic()
    try:
        receipt = _look_up(message, sink, now)
    except HubError as error:
        return Look(Seen.LATER, f"{connection.name} could not be asked: {error}")
    except Exception as error:  # our bug with one look is no reason to keep the others waiting
        log.exception("effect %s can't be looked up", message.effect_key)
        return Look(Seen.LATER, f"{connection.name} could not be asked: {type(error).__name__}")
    return _keep(message, receipt, int((time.monotonic() - began) * 1000), now)


def _look_up(message: OutboundMessage, sink: Sink, now: datetime) -> Receipt | None:
    connection = message.connection
    intent = Intent(
        kind=IntentKind(message.kind),
        effect_key=message.effect_key,
        payload=message.payload,
        trace_id=str(message.trace_id),
        codes=Codes(connection),
    )
    account = account_of(connection, now=now)
    patience = deadline_in(connection.timeout_seconds)
    with tracing(message.trace_id), limiter.spare_slot(connection), patience:
        return sink.look_up(client_for(connection), account, intent)


@transaction.atomic(durable=True)
def _keep(
    known: OutboundMessage, receipt: Receipt | None, milliseconds: int, now: datetime
) -> Look:
    if known.order_id is not None:
        lock_orders([known.order_id])  # the order before its effects, as everybody does
    rows = OutboundMessage.objects.select_for_update(of=("self",)).select_related("connection")
    message = rows.get(pk=known.pk)
    if message.state not in STOPPED:
        return Look(Seen.MOVED)
    message.attempts += 1
    message.save(update_fields=["attempts"])
    attempt = Attempt.objects.create(
        message=message,
        number=message.attempts,
        lease_token=message.lease_token,
        is_look_up=True,
        started_at=now,
        finished_at=now,
        outcome=Attempt.Outcome.FOUND if receipt else Attempt.Outcome.ABSENT,
        detail="Somebody said that it is there.",
        milliseconds=milliseconds,
    )
    if receipt is None:
        return Look(Seen.ABSENT)
    answered = Answered(message, attempt, receipt, None, True, milliseconds)
    write_sent([(message, answered, receipt)], now=now)
    return Look(Seen.FOUND, receipt.external_id)
