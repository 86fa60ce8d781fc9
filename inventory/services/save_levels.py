"""Numbers of locked levels -> the table, and a signal to those who publish stock."""

from __future__ import annotations

from collections.abc import Iterable

from inventory.models import StockLevel
from retailhub.kernel.rows import Statement, run_together

_SAVE_LEVELS = """
WITH saved AS (
    UPDATE inventory_stocklevel l SET on_hand = v.on_hand, reserved = v.reserved,
           allocated = v.allocated, updated_at = now()
    FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[])
         AS v(id, on_hand, reserved, allocated)
    WHERE l.id = v.id RETURNING l.item_id)
INSERT INTO inventory_stocksignal (item_id) SELECT DISTINCT item_id FROM saved
"""


def save_levels(levels: Iterable[StockLevel]) -> None:
    """Write the numbers of levels that the caller has locked, in one statement.

    Nobody else writes them, so that those who publish stock hear of every change.
    """
    run_together(saving(levels))


def saving(levels: Iterable[StockLevel]) -> Statement:
    """The statement of `save_levels`, for those who run several at once."""
    rows = sorted(levels, key=lambda level: level.pk)
    columns = ("pk", "on_hand", "reserved", "allocated")
    return _SAVE_LEVELS, [[getattr(row, name) for row in rows] for name in columns]
