"""One slice of a compared file -> levels, ledger and signals; its locks last milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Rows of one location, at most some thousands.

    `key` begins the effect keys; `mark_at` is when the rows of the file were counted. `new` of its
    `rows` had no level when they were compared.
    """

    key: str
    reason: str
    source: str
    table: str
    location_id: int
    number: int
    rows: int
    new: int
    mark_at: datetime


@dataclass(frozen=True)
class Merged:
    """What became of the rows of a slice."""

    added: int
    changed: int
    outdated: int


@transaction.atomic
def merge_slice(part: Slice) -> Merged:
    """Set the levels of one slice to what was counted, less what left since.

    Touches only what differs. A level counted later keeps its number. What it means for others is
    told when the file has ended, not under the locks.
    """
    values: dict[str, Any] = {
        "key": part.key,
        "source": part.source,
        "location": part.location_id,
        "slice": part.number,
        "mark_at": part.mark_at,
        "reason": part.reason,
    }
    with connection.cursor() as cursor:
        cursor.execute(_HERE)
        added = _add(cursor, part, values) if part.new else 0
        if added == part.rows:
            return Merged(added, 0, 0)
        # In key order, like everybody; what moved before we had the locks is seen after them.
        cursor.execute(_LOCK.replace("{name}", part.table), values)
        cursor.execute(_CHANGE.replace("{name}", part.table), values)
        return Merged(added, *cursor.fetchone())


def _add(cursor: Any, part: Slice, values: dict[str, Any]) -> int:
    cursor.execute(_ADD.replace("{name}", part.table), values)
    return int(cursor.fetchone()[0])


# A few thousand look-ups by key, whatever the statistics of a table just filled may say. The locks
# wait for no disk: whatever is made of this and must last brings it to disk too, and a file broken
# off is run again.
_HERE = """
SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
SET LOCAL synchronous_commit = off
"""

_SLICE = "c.location_id = %(location)s AND c.slice = %(slice)s AND c.problem IS NULL"

_LOCK = f"""
WITH locked AS (
    SELECT l.id FROM {{name}}_change c
    JOIN inventory_stocklevel l ON l.item_id = c.item_id AND l.location_id = c.location_id
    WHERE {_SLICE} ORDER BY l.item_id, l.location_id FOR UPDATE OF l
) SELECT count(*) FROM locked
"""

_ADD = f"""
WITH made AS (
    INSERT INTO inventory_stocklevel (item_id, location_id, on_hand, counted_at)
    SELECT c.item_id, c.location_id, c.units, c.counted_at FROM {{name}}_change c
    WHERE {_SLICE} AND c.level_id IS NULL ORDER BY c.item_id
    ON CONFLICT (item_id, location_id) DO NOTHING RETURNING id, item_id, on_hand, counted_at
), lines AS (
    INSERT INTO inventory_stockmovement (level_id, kind, effect_key, reason, source,
        on_hand_change, on_hand_after, reserved_after, happened_at)
    SELECT id, 'COUNTED', %(key)s || ':' || id, %(reason)s, %(source)s,
           on_hand, on_hand, 0, counted_at FROM made
), signals AS (
    INSERT INTO inventory_stocksignal (item_id) SELECT item_id FROM made
) SELECT count(*)::int FROM made
"""

# Those just added are there with their number already: nothing differs.
_CHANGE = f"""
WITH said AS MATERIALIZED (
    SELECT l.id, l.item_id, l.on_hand, l.reserved, l.allocated, c.counted_at,
           c.units + coalesce(since.units, 0) AS there,
           coalesce(c.counted_at < greatest(l.counted_at, mark.at), false) AS is_outdated
    FROM {{name}}_change c
    JOIN inventory_stocklevel l ON l.item_id = c.item_id AND l.location_id = c.location_id
    LEFT JOIN LATERAL (
        SELECT sum(m.on_hand_change)::int AS units FROM inventory_stockmovement m
        WHERE m.level_id = l.id AND m.happened_at > c.counted_at AND m.kind <> 'COUNTED'
          AND m.on_hand_change <> 0) since ON true
    LEFT JOIN LATERAL (
        SELECT max(k.counted_at) AS at FROM inventory_snapshotmark k
        WHERE k.location_id = l.location_id AND k.counted_at > c.counted_at
          AND (l.item_id = ANY (k.item_ids)) <> k.is_all_but) mark ON true
    WHERE {_SLICE}
), differs AS (
    SELECT * FROM said WHERE NOT is_outdated AND there <> on_hand
), touched AS (
    UPDATE inventory_stocklevel l SET on_hand = s.there, counted_at = s.counted_at,
           updated_at = now()
    FROM said s WHERE l.id = s.id AND NOT s.is_outdated
      AND (s.there <> s.on_hand OR s.counted_at > %(mark_at)s)
), lines AS (
    INSERT INTO inventory_stockmovement (level_id, kind, effect_key, reason, source,
        on_hand_change, on_hand_after, reserved_after, allocated_after, happened_at)
    SELECT id, 'COUNTED', %(key)s || ':' || id, %(reason)s, %(source)s,
           there - on_hand, there, reserved, allocated, counted_at FROM differs
), signals AS (
    INSERT INTO inventory_stocksignal (item_id) SELECT item_id FROM differs
)
SELECT (SELECT count(*)::int FROM differs),
       (SELECT count(*)::int FROM said WHERE is_outdated)
"""
