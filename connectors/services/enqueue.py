"""What is owed to other systems: one outbox row per effect, written with its cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from connectors import policy
from connectors.events import EffectsOwed
from connectors.lifecycle import OutboundState
from connectors.models import OutboundMessage
from connectors.systems.base import IntentKind
from retailhub.kernel.events import publish
from retailhub.kernel.rows import insert_rows


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One effect to ask for. `reference` is our name of the record it makes on the other side."""

    connection_id: int
    kind: IntentKind
    reference: str
    lane: str
    payload: dict[str, Any]
    trace_id: UUID
    order_id: int | None = None
    coalesce_key: str = ""

    @property
    def effect_key(self) -> str:
        """Business identity: the same effect has the same key for ever, replayed or not."""
        return f"{self.kind.value}:{self.reference}"


def enqueue_effects(effects: Iterable[Effect], *, now: datetime) -> int:
    """Owe each effect once per connection and key. Asking again changes nothing.

    Returns how many are new. The caller holds the order's lock, so rows of one lane get their
    numbers in the order of the facts.
    """
    rows = [
        OutboundMessage(
            connection_id=effect.connection_id,
            kind=effect.kind.value,
            effect_key=effect.effect_key,
            lane=effect.lane,
            order_id=effect.order_id,
            reference=effect.reference,
            criticality=policy.CRITICALITY[effect.kind],
            coalesce_key=effect.coalesce_key,
            payload=effect.payload,
            trace_id=effect.trace_id,
            deadline_at=now + policy.RETRIES[policy.CRITICALITY[effect.kind]].deadline,
        )
        for effect in effects
    ]
    if not rows:
        return 0
    known = {
        (connection_id, key)
        for connection_id, key in OutboundMessage.objects.filter(
            connection_id__in={row.connection_id for row in rows},
            effect_key__in=[row.effect_key for row in rows],
        ).values_list("connection_id", "effect_key")
    }
    rows = [row for row in rows if (row.connection_id, row.effect_key) not in known]
    _supersede(rows, now)
    # The constraint, not the look above, makes it once: a race ends in an error and a retry.
    made = insert_rows(rows)
    if made:
        publish(EffectsOwed(message_ids=tuple(row.pk for row in made)))
    return len(made)


def _supersede(rows: Iterable[OutboundMessage], now: datetime) -> None:
    """A newer number replaces those of its kind that nobody has begun to send."""
    for row in rows:
        if row.coalesce_key:
            OutboundMessage.objects.filter(
                connection_id=row.connection_id,
                coalesce_key=row.coalesce_key,
                state=OutboundState.READY,
                attempts=0,
            ).update(state=OutboundState.SUPERSEDED, finished_at=now)
