"""A merged file -> who waited for stock hears of it, and a promise it broke becomes a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from inventory.events import StockCounted, StockOverdrawn
from retailhub.kernel.events import publish

AT_ONCE = 10_000


def announce_snapshot(*, table: str, location_ids: Sequence[int], keys: Sequence[str]) -> None:
    """Tell what a file changed at its locations, in sets and while no level is locked.

    `keys` begin the effect keys of all attempts at it: what one that was broken off has changed is
    true for the next, which tells of it all the same.
    """
    if len(keys) > 1:
        item_ids = _ids(_THERE, [list(location_ids)])
    else:
        item_ids = _ids(_CHANGED.replace("{name}", table), [])
    for start in range(0, len(item_ids), AT_ONCE):
        with transaction.atomic():
            publish(StockCounted(item_ids=tuple(item_ids[start : start + AT_ONCE])))
    for level_id, short, effect_key in _overdrawn(location_ids, keys):
        with transaction.atomic():
            publish(StockOverdrawn(level_id=level_id, short=short, effect_key=effect_key))


_CHANGED = "SELECT DISTINCT item_id FROM {name}_change WHERE problem IS NULL ORDER BY item_id"
_THERE = (
    "SELECT DISTINCT item_id FROM inventory_stocklevel WHERE location_id = ANY (%s)"
    " ORDER BY item_id"
)


def _ids(sql: str, values: Sequence[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor]


def _overdrawn(location_ids: Sequence[int], keys: Sequence[str]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_OVERDRAWN, [list(keys), list(location_ids)])
        return list(cursor.fetchall())


# Levels that this file has moved, and that have less than was promised of them.
_OVERDRAWN = """
SELECT l.id, l.reserved + l.allocated - l.on_hand, m.effect_key
FROM inventory_stocklevel l
CROSS JOIN LATERAL (
    SELECT effect_key FROM inventory_stockmovement
    WHERE effect_key = ANY (ARRAY(SELECT key || ':' || l.id FROM unnest(%s::text[]) AS key))
    ORDER BY id DESC LIMIT 1
) m
WHERE l.location_id = ANY (%s) AND l.on_hand < l.reserved + l.allocated ORDER BY l.id
"""
