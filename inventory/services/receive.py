"""Goods came in, from a supplier or another node: on hand goes up, what is on its way goes down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, transaction

from inventory.services.move import Move, move_stock


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A move that brings goods in. `reference` names what they came with; may be empty."""

    move: Move
    reference: str = ""


@transaction.atomic
def receive_stock(receipts: Sequence[Receipt]) -> set[str]:
    """Book what came in, once per effect key; returns the keys that were applied.

    Goods that nobody announced are received all the same: their announcement, when it comes,
    finds them here already.
    """
    applied = move_stock([_with_reference(receipt) for receipt in receipts])
    came = [r for r in receipts if r.reference and r.move.effect_key in applied]
    if came:
        came.sort(key=lambda r: (r.reference, r.move.spot))
        columns: list[Any] = [
            [r.reference for r in came],
            [r.move.item_id for r in came],
            [r.move.location_id for r in came],
            [r.move.on_hand for r in came],
            [r.move.happened_at for r in came],
            [r.move.source for r in came],
        ]
        with connection.cursor() as cursor:
            cursor.execute(_CAME, columns)
    return applied


def _with_reference(receipt: Receipt) -> Move:
    return replace(receipt.move, reason=receipt.move.reason or receipt.reference)


_CAME = """
INSERT INTO inventory_intransit AS t
    (reference, item_id, location_id, quantity, received_quantity, expected_at, source, updated_at)
SELECT reference, item_id, location_id, 0, sum(units), min(at), min(source), now()
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::int[], %s::timestamptz[], %s::text[])
     AS v(reference, item_id, location_id, units, at, source)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (reference, item_id, location_id) DO UPDATE
SET received_quantity = t.received_quantity + excluded.received_quantity, updated_at = now()
"""
