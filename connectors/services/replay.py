"""Dead or parked -> tried again: the same message, the current mapping, the same effect key."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import F

from connectors import policy
from connectors.events import EffectSetAside, MessageFinished
from connectors.lifecycle import Criticality, InboundState, OutboundState
from connectors.models import InboundMessage, OutboundMessage
from connectors.systems.stock import STOCK_KINDS
from inventory.models import Publication
from inventory.services.tell_again import tell_again
from orders.selectors import lock_orders
from retailhub.kernel.events import publish
from retailhub.kernel.rows import update_rows

_REPLAYABLE_IN = frozenset({InboundState.DEAD, InboundState.PARKED, InboundState.WAITING})
_REPLAYABLE_OUT = frozenset({OutboundState.DEAD, OutboundState.MANUAL})


@transaction.atomic
def replay_inbound(*, message_id: int, now: datetime, edited_body: bytes | None = None) -> bool:
    """Take a stopped message again, with a corrected body if one is given (the original stays).

    Says whether there was anything to replay: a message under way or done is left alone.
    """
    if not replay_messages(message_ids=[message_id], now=now):
        return False
    if edited_body is not None:
        InboundMessage.objects.filter(pk=message_id).update(edited_body=edited_body)
    return True


@transaction.atomic(savepoint=False)
def replay_messages(*, message_ids: Collection[int], now: datetime) -> set[int]:
    """The same for many, in two statements. Returns those there was anything to replay of."""
    stopped = InboundMessage.objects.filter(pk__in=message_ids, state__in=_REPLAYABLE_IN)
    found = set(stopped.select_for_update().order_by("pk").values_list("pk", flat=True))
    InboundMessage.objects.filter(pk__in=found).update(
        state=InboundState.RECEIVED,
        generation=F("generation") + 1,
        attempts=0,
        crashes=0,
        next_attempt_at=now,
        deadline_at=None,
        finished_at=None,
    )
    return found


@transaction.atomic
def replay_outbound(*, message_id: int, now: datetime) -> bool:
    """Ask for a stopped effect again, with its own key. In doubt, look first."""
    row = OutboundMessage.objects.select_for_update().get(pk=message_id)
    if row.kind not in STOCK_KINDS:
        return bool(replay_effects(message_ids=[message_id], now=now))
    if row.state not in _REPLAYABLE_OUT:
        return False
    # Its numbers are old by now: the newest of the same items go instead.
    drop_effect(row, now)
    tell_again(reason=Publication.Reason.PUSH, publication_ids=row.payload.get("publications", ()))
    return True


@transaction.atomic(savepoint=False)
def replay_effects(*, message_ids: Collection[int], now: datetime) -> set[int]:
    """The same for many that tell no stock, in two statements. Returns which were asked for."""
    stopped = OutboundMessage.objects.filter(pk__in=message_ids, state__in=_REPLAYABLE_OUT)
    locked = stopped.exclude(kind__in=STOCK_KINDS).select_for_update().order_by("pk")
    rows = list(locked.only("state", "must_look_up", "generation", "criticality"))
    for row in rows:
        row.must_look_up = row.must_look_up or row.state == OutboundState.MANUAL
        row.state = OutboundState.UNKNOWN if row.must_look_up else OutboundState.READY
        row.generation += 1
        row.failures = 0
        row.next_attempt_at, row.finished_at = now, None
        row.deadline_at = now + policy.RETRIES[Criticality(row.criticality)].deadline
    update_rows(rows, _ASKED_AGAIN)
    return {row.pk for row in rows}


_ASKED_AGAIN = (
    *("state", "must_look_up", "generation", "failures"),
    *("next_attempt_at", "finished_at", "deadline_at"),
)


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
    freed = replay_messages(message_ids=waiting, now=now)
    return len(freed) + sum(replay_outbound(message_id=pk, now=now) for pk in stopped)


def _waited_for(connection_id: int, table: str, code: str) -> dict[str, object]:
    return {
        "connection_id": connection_id,
        "error_code": "connectors.mapping_missing",
        "error_context__table": table,
        "error_context__external_code": code,
    }
