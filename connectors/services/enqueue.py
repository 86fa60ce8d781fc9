"""What is owed to other systems: one outbox row per effect, written with its cause."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from connectors import policy
from connectors.events import EffectsOwed
from connectors.lifecycle import OutboundState
from connectors.models import OutboundMessage
from connectors.systems.base import IntentKind
from retailhub.kernel.events import publish

# The constraint makes it once: what is owed already, or owed twice in one call, is left out.
# The payloads come as one JSON array: to quote each for an array of SQL took as long as a step.
_OWE = """
INSERT INTO connectors_outboundmessage
    (connection_id, kind, effect_key, lane, order_id, reference, criticality, coalesce_key,
     payload, trace_id, deadline_at)
SELECT connection_id, kind, effect_key, lane, order_id, reference, criticality, coalesce_key,
       payload, trace_id, deadline_at
FROM ROWS FROM (
        unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[],
               %s::text[], %s::text[], %s::uuid[], %s::timestamptz[]),
        jsonb_array_elements(%s::jsonb))
     WITH ORDINALITY AS e(connection_id, kind, effect_key, lane, order_id, reference, criticality,
                          coalesce_key, trace_id, deadline_at, payload, n)
ORDER BY n
ON CONFLICT (connection_id, effect_key) DO NOTHING
RETURNING id, connection_id, coalesce_key
"""


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
    wanted = list(effects)
    if not wanted:
        return 0
    rows = [
        (
            effect.connection_id,
            effect.kind.value,
            effect.effect_key,
            effect.lane,
            effect.order_id,
            effect.reference,
            (criticality := policy.CRITICALITY[effect.kind]).value,
            effect.coalesce_key,
            effect.trace_id,
            now + policy.RETRIES[criticality].deadline,
        )
        for effect in wanted
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    payloads = json.dumps([effect.payload for effect in wanted])
    with connection.cursor() as cursor:
        cursor.execute(_OWE, [*columns, payloads])
        made = cursor.fetchall()
    _supersede(made, now)
    if made:
        publish(EffectsOwed(message_ids=tuple(row[0] for row in made)))
    return len(made)


def _supersede(made: Iterable[tuple[int, int, str]], now: datetime) -> None:
    """A newer number replaces those of its kind that nobody has begun to send."""
    for message_id, connection_id, coalesce_key in made:
        if coalesce_key:
            OutboundMessage.objects.filter(
                connection_id=connection_id,
                coalesce_key=coalesce_key,
                state=OutboundState.READY,
                attempts=0,
                pk__lt=message_id,
            ).update(state=OutboundState.SUPERSEDED, finished_at=now)
