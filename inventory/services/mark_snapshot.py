"""A merged file -> that its locations were counted, also where it said what was known already."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from inventory.models import SnapshotMark, StockMovement
from inventory.services.compare_snapshot import Comparison
from inventory.services.move import Move, move_stock
from inventory.services.spell_snapshot import Words, spelled

# Movements with ids so near may have been under way when the file was compared.
UNDER_WAY = 100_000


def newest_movement() -> int:
    """Asked before a file is compared: what is newer may have been missed by it."""
    newest = StockMovement.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0


@transaction.atomic
def mark_snapshot(
    *, source: str, key: str, table: str, found: Comparison, words: Words, newest_id: int
) -> None:
    """Put down what was counted, one row for each location, the shorter of two lists.

    From then on older news of it is history. Older news heard while the file was compared are set
    right here.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LEFT_OUT.replace("{name}", table))
        left_out = dict(cursor.fetchall())
    for location_id, (levels, _) in sorted(found.shelves.items()):
        without = left_out.get(location_id, [])
        is_all_but = len(without) * 2 <= levels
        ids = without if is_all_but else _mentioned(table, words, location_id, without)
        _keep(source, location_id, found, is_all_but, ids)
    _set_right(key=key, table=table, found=found, words=words, newest_id=newest_id)


# Levels that the file did not name, or was wrong about, were not counted by it.
_LEFT_OUT = """
SELECT location_id, array_agg(DISTINCT item_id) FROM (
    SELECT location_id, item_id FROM {name}_diff WHERE line IS NULL
    UNION ALL
    SELECT location_id, item_id FROM {name}_change
    WHERE problem <> 'said before' AND item_id IS NOT NULL AND location_id IS NOT NULL
) o GROUP BY location_id
"""


def _rows(table: str, words: Words) -> str:
    sku, sku_join = spelled("SKU", "sku", words)
    place, place_join = spelled("LOCATION", "location", words)
    return (
        f"{{name}} r {sku_join} {place_join} JOIN inventory_item i ON i.sku = {sku}"
        f" JOIN inventory_location p ON p.code = {place}"
    ).replace("{name}", table)


def _mentioned(table: str, words: Words, location_id: int, without: list[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT i.id FROM {_rows(table, words)} WHERE p.id = %s", [location_id]
        )
        return sorted({row[0] for row in cursor} - set(without))


def _keep(
    source: str, location_id: int, found: Comparison, is_all_but: bool, ids: list[int]
) -> None:
    row, is_new = SnapshotMark.objects.select_for_update().get_or_create(
        location_id=location_id,
        source=source,
        defaults={
            "counted_at": found.counted_at,
            "is_all_but": is_all_but,
            "item_ids": ids,
        },
    )
    if not is_new and row.counted_at <= found.counted_at:
        row.counted_at, row.is_all_but, row.item_ids = found.counted_at, is_all_but, ids
        row.save()


_LATE = """
SELECT DISTINCT m.level_id FROM inventory_stockmovement m
JOIN inventory_stocklevel l ON l.id = m.level_id AND l.location_id = ANY (%s)
WHERE m.id > %s AND m.happened_at <= %s AND m.kind <> 'COUNTED' AND m.on_hand_change <> 0
"""


def _set_right(*, key: str, table: str, found: Comparison, words: Words, newest_id: int) -> None:
    late: list[Any] = [list(found.shelves), newest_id - UNDER_WAY, found.counted_at]
    with connection.cursor() as cursor:
        cursor.execute(_LATE, late)
        level_ids = [row[0] for row in cursor]
        if not level_ids:
            return
        # Only rows that were true when they were compared: the others went through a slice.
        cursor.execute(
            f"SELECT l.item_id, l.location_id, min(r.quantity)::int FROM {_rows(table, words)}"
            " JOIN inventory_stocklevel l ON l.item_id = i.id AND l.location_id = p.id"
            f" WHERE l.id = ANY (%s) AND NOT EXISTS (SELECT 1 FROM {table}_change c"
            " WHERE c.item_id = i.id AND c.location_id = p.id) GROUP BY 1, 2",
            [level_ids],
        )
        said: list[Any] = cursor.fetchall()
    move_stock(
        [
            Move(
                kind=StockMovement.Kind.COUNTED,
                item_id=item_id,
                location_id=location_id,
                counted=quantity,
                happened_at=found.counted_at,
                effect_key=f"{key}:{item_id}@{location_id}",
            )
            for item_id, location_id, quantity in said
        ]
    )
