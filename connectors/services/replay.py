"""Dead or parked -> tried again: the same message, the current mapping, the same effect key."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from connectors import policy
from connectors.events import EffectSetAside, MessageFinished
from connectors.lifecycle import Criticality, InboundState, OutboundState
from connectors.models import InboundMessage, OutboundMessage
from connectors.systems.stock import STOCK_KINDS
from inventory.models import Publication
from inventory.services.tell_again import tell_again
from orders.selectors import lock_orders
from retailhub.kernel.events import publish

_REPLAYABLE_IN = frozenset({InboundState.DEAD, InboundState.PARKED, InboundState.WAITING})
_REPLAYABLE_OUT = frozenset({OutboundState.DEAD, OutboundState.MANUAL})
_STOCK = frozenset(kind.value for kind in STOCK_KINDS)


@transaction.atomic
def replay_inbound(*, message_id: int, now: datetime, edited_body: bytes | None = None) -> bool:
    """Take a stopped message again, with a corrected body if one is given (the original stays).

    Says whether there was anything to replay: a message under way or done is left alone.
    """
    row = InboundMessage.objects.select_for_update().get(pk=message_id)
    if row.state not in _REPLAYABLE_IN:
        return False
    if edited_body is not None:
        row.edited_body = edited_body
    row.state, row.generation = InboundState.RECEIVED, row.generation + 1
    row.attempts = row.crashes = 0
    row.next_attempt_at, row.deadline_at, row.finished_at = now, None, None
    row.save()
    return True


@transaction.atomic
def replay_outbound(*, message_id: int, now: datetime) -> bool:
    """Ask for a stopped effect again, with its own key. In doubt, look first."""
    row = OutboundMessage.objects.select_for_update().get(pk=message_id)
    if row.state not in _REPLAYABLE_OUT:
        return False
    if row.kind in _STOCK:
        # Its numbers are old by now: the newest of the same items go instead.
        drop_effect(row, now)
        tell_again(
            reason=Publication.Reason.PUSH, publication_ids=row.payload.get("publications", ())
        )
        return True
    in_doubt = row.must_look_up or row.state == OutboundState.MANUAL
    row.state = OutboundState.UNKNOWN if in_doubt else OutboundState.READY
    row.must_look_up = in_doubt
    row.generation += 1
    row.failures = 0
    row.next_attempt_at, row.finished_at = now, None
    row.deadline_at = now + policy.RETRIES[Criticality(row.criticality)].deadline
    row.save()
    return True


@transaction.atomic
def set_aside_inbound(*, message_id: int, now: datetime) -> bool:
    """A person decided that a stopped message shall not be applied. It stays on record."""
    changed = InboundMessage.objects.filter(
        pk=message_id, state__in=[InboundState.DEAD, InboundState.PARKED]
    ).update(state=InboundState.IGNORED, finished_at=now)
    if changed:
        publish(MessageFinished(message_ids=(message_id,)))
    return bool(changed)


@transaction.atomic
def set_aside_outbound(*, message_id: int, now: datetime) -> bool:
    """A person decided that a stopped effect shall not be asked for again; its lane goes on."""
    known = OutboundMessage.objects.get(pk=message_id)
    if known.order_id is not None:
        lock_orders([known.order_id])  # the order before its effects, as everybody does
    row = OutboundMessage.objects.select_for_update().get(pk=message_id)
    if row.state not in _REPLAYABLE_OUT:
        return False
    drop_effect(row, now)
    return True


def drop_effect(row: OutboundMessage, now: datetime) -> None:
    """End a locked effect that nobody has begun, or that stopped, for good."""
    row.state, row.finished_at = OutboundState.CANCELLED, now
    row.save(update_fields=["state", "finished_at"])
    publish(
        EffectSetAside(
            message_id=row.pk, kind=row.kind, order_id=row.order_id, reference=row.reference
        )
    )


def free_parked(
    *, connection_id: int, table: str, external_code: str, canonical_code: str, now: datetime
) -> int:
    """A mapping row was saved: take again everything that waited for it. Returns how many.

    What came in waited for their code, what goes out for ours.
    """
    inbound = InboundMessage.objects.filter(
        state=InboundState.PARKED, **_waited_for(connection_id, table, external_code)
    )
    outbound = OutboundMessage.objects.filter(
        state=OutboundState.DEAD, **_waited_for(connection_id, table, canonical_code)
    )
    waiting = list(inbound.order_by("pk").values_list("pk", flat=True))
    stopped = list(outbound.order_by("pk").values_list("pk", flat=True))
    return sum(replay_inbound(message_id=pk, now=now) for pk in waiting) + sum(
        replay_outbound(message_id=pk, now=now) for pk in stopped
    )


def _waited_for(connection_id: int, table: str, code: str) -> dict[str, object]:
    return {
        "connection_id": connection_id,
        "error_code": "connectors.mapping_missing",
        "error_context__table": table,
        "error_context__external_code": code,
    }
