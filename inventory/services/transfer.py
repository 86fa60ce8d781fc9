"""Goods left one node for another: gone here now, on their way there, on hand when they arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from inventory.models import StockMovement
from inventory.services.move import Move, move_stock


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Units of one item sent from one node to another under `reference`."""

    reference: str
    item_id: int
    from_id: int
    to_id: int
    quantity: int
    sent_at: datetime
    expected_at: datetime
    effect_key: str
    source: str = ""
    trace_id: UUID | None = None


@transaction.atomic
def send_on(transfers: Sequence[Transfer]) -> set[str]:
    """Take what was sent off its node and let it be on its way; returns the keys applied.

    It arrives by `receive_stock` under the same reference, even if that is heard first.
    """
    applied = move_stock([_leaving(transfer) for transfer in transfers])
    sent = [t for t in transfers if t.effect_key in applied]
    if sent:
        names = ("reference", "item_id", "from_id", "to_id", "expected_at", "source")
        with connection.cursor() as cursor:
            cursor.execute(_SENT, [[getattr(t, name) for t in sent] for name in names])
    return applied


def _leaving(transfer: Transfer) -> Move:
    return Move(
        kind=StockMovement.Kind.SENT_ON,
        item_id=transfer.item_id,
        location_id=transfer.from_id,
        on_hand=-transfer.quantity,
        happened_at=transfer.sent_at,
        effect_key=transfer.effect_key,
        reason=transfer.reference,
        source=transfer.source,
        trace_id=transfer.trace_id,
    )


# All that was sent under the reference so far, or what was announced of it, if that is more: a
# second van brings more, a transfer that was announced is not expected twice.
_SENT = """
INSERT INTO inventory_intransit AS t
    (reference, item_id, location_id, quantity, expected_at, source, updated_at)
SELECT v.reference, v.item_id, v.to_id, (
           SELECT -sum(m.on_hand_change) FROM inventory_stocklevel l
           JOIN inventory_stockmovement m ON m.level_id = l.id AND m.on_hand_change <> 0
            AND m.kind <> 'COUNTED' AND m.kind = 'SENT_ON' AND m.reason = v.reference
           WHERE l.item_id = v.item_id AND l.location_id = ANY(array_agg(v.from_id))),
       max(v.expected_at), min(v.source), now()
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[])
     AS v(reference, item_id, from_id, to_id, expected_at, source)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (reference, item_id, location_id) DO UPDATE
SET quantity = greatest(t.quantity, excluded.quantity), expected_at = excluded.expected_at,
    updated_at = now()
"""
