"""Which rows of a staged file say something new, which are wrong, and what they leave out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from inventory.services.spell_snapshot import Words, keep_words, spelled
from inventory.services.stage_snapshot import MOST_SAMPLES, Staged

MOST_CODES = 200
SLICE = 2_000
# What a row may be unknown by; the words of `_JUDGE`.
UNKNOWN = {"SKU": "unknown SKU", "LOCATION": "unknown location", "UNIT": "unknown unit"}


@dataclass
class Comparison:
    """The numbers of a file, before anything is applied."""

    counted_at: datetime
    rows: int = 0
    rejected: int = 0
    unknown: int = 0
    to_apply: int = 0
    units: int = 0
    samples: list[dict[str, Any]] = field(default_factory=list)
    unknown_codes: dict[str, list[str]] = field(default_factory=dict)
    # (location id, number, its rows, those of them that have no level yet)
    slices: list[tuple[int, int, int, int]] = field(default_factory=list)
    # Levels and units by location id, of all locations that the file names.
    shelves: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def good(self) -> int:
        """Rows that can be applied or are true already."""
        return self.rows - self.rejected - self.unknown


def compare_snapshot(
    staged: Staged, words: Words, *, counted_at: datetime, now: datetime
) -> Comparison:
    """Set aside what is true already; judge the rest, and cut it into slices by location.

    `counted_at` is of rows that don't say when. Changes no level and waits for nobody.
    """
    name = staged.name
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '256MB'")
        keep_words(cursor, name, words)
        common, counted_at = _common_moment(cursor, staged, counted_at, now)
        named = _named(cursor, staged, words)
        cursor.execute(_diff(staged, words), {"common": common, "at": counted_at, "named": named})
        rows = _one(cursor, f"SELECT count(*) FROM {name}")
        cursor.execute(
            _JUDGE.replace("{name}", name),
            {"at": counted_at, "now": now, "refused": list(words.refused_ids), "slice": SLICE},
        )
        found = Comparison(counted_at, rows + staged.rejected, staged.rejected)
        found.samples = list(staged.samples)
        _reject_contradictions(cursor, staged, words)
        _sum_up(cursor, name, found)
        found.shelves = _shelves(cursor, named)
        stood = sum(units for _, units in found.shelves.values())
        found.units = stood + _told_otherwise(cursor, name)
    return found


def _common_moment(
    cursor: Any, staged: Staged, counted_at: datetime, now: datetime
) -> tuple[str | None, datetime]:
    """What most rows say of when they were counted (as written), and that moment."""
    if not staged.layout.has("counted_at"):
        return None, min(counted_at, now)
    cursor.execute(f"SELECT counted_at, {_MOMENT} FROM {staged.name} ORDER BY line LIMIT 1")
    text, moment = cursor.fetchone() or (None, None)
    return text, min(moment or counted_at, now)


def _named(cursor: Any, staged: Staged, words: Words) -> list[int]:
    """The locations that the file speaks of."""
    place, join = spelled("LOCATION", "location", words)
    cursor.execute(
        f"SELECT DISTINCT p.id FROM (SELECT DISTINCT location FROM {{name}}) r {join}"
        f" JOIN inventory_location p ON p.code = {place}".replace("{name}", staged.name)
    )
    return [row[0] for row in cursor]


def _shelves(cursor: Any, named: list[int]) -> dict[int, tuple[int, int]]:
    """How many levels and units each of the locations has, before."""
    cursor.execute(
        "SELECT location_id, count(*), sum(on_hand) FROM inventory_stocklevel"
        " WHERE location_id = ANY (%s) GROUP BY location_id",
        [named],
    )
    return dict.fromkeys(named, (0, 0)) | {row[0]: (row[1], int(row[2])) for row in cursor}


def _told_otherwise(cursor: Any, name: str) -> int:
    """Units that the good rows have more (or fewer) than the levels they speak of."""
    told = f"SELECT coalesce(sum(units), 0) FROM {name}_change WHERE problem IS NULL"
    stood = (
        "SELECT coalesce(sum(on_hand), 0) FROM"
        f" (SELECT DISTINCT level_id, on_hand FROM {name}_diff WHERE level_id IS NOT NULL) d"
    )
    return int(_one(cursor, f"SELECT ({told}) - ({stood})"))


def _one(cursor: Any, sql: str) -> Any:
    cursor.execute(sql)
    return cursor.fetchone()[0]


# A time with a zone, read without ever raising: the day may be more than its month has.
_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?"
_ZONE = "(Z|[+-](0[0-9]|1[0-4]):?([0-5][0-9])?)"
_MOMENT = f"""
CASE WHEN counted_at ~ '^{_DAY}[T ]{_TIME}{_ZONE}$' AND substr(counted_at, 1, 4) <> '0000'
 AND to_char((substr(counted_at, 1, 8) || '01')::date + substr(counted_at, 9, 2)::int - 1, 'DD')
   = substr(counted_at, 9, 2)
THEN replace(counted_at, ',', '.')::timestamptz END
"""


def _diff(staged: Staged, words: Words) -> str:
    """SQL: what is not true already, and levels at the named locations that no row names."""
    sku, sku_join = spelled("SKU", "sku", words)
    place, place_join = spelled("LOCATION", "location", words)
    same_unit = "(s.unit IS NULL OR lower(s.unit) = lower(s.own_unit))"
    is_same = [
        "h.on_hand::text = s.quantity",
        "NOT h.has_moved",
        *([same_unit] if staged.layout.has("unit") else []),
        *(
            ["s.counted_at IS NOT DISTINCT FROM %(common)s"]
            if staged.layout.has("counted_at")
            else []
        ),
    ]
    return f"""
CREATE UNLOGGED TABLE {{name}}_diff AS
WITH said AS (
    SELECT r.line, r.sku, r.location, r.quantity, r.unit, r.counted_at,
           i.id AS item_id, p.id AS location_id, i.unit AS own_unit
    FROM {{name}} r {sku_join} {place_join}
    LEFT JOIN inventory_item i ON i.sku = {sku} AND i.is_active
    LEFT JOIN inventory_location p ON p.code = {place}
), moved AS (
    SELECT DISTINCT level_id FROM inventory_stockmovement
    WHERE happened_at > %(at)s AND kind <> 'COUNTED' AND on_hand_change <> 0
), here AS (
    SELECT l.id, l.item_id, l.location_id, l.on_hand, m.level_id IS NOT NULL AS has_moved
    FROM inventory_stocklevel l LEFT JOIN moved m ON m.level_id = l.id
    WHERE l.location_id = ANY (%(named)s)
)
SELECT s.line, s.sku, s.location, s.quantity, s.unit, s.counted_at, s.own_unit,
       coalesce(s.item_id, h.item_id) AS item_id,
       coalesce(s.location_id, h.location_id) AS location_id, h.id AS level_id, h.on_hand
FROM said s FULL JOIN here h ON h.item_id = s.item_id AND h.location_id = s.location_id
WHERE s.line IS NULL OR h.id IS NULL OR NOT coalesce({" AND ".join(is_same)}, false)
""".replace("{name}", staged.name)


_JUDGE = f"""
CREATE UNLOGGED TABLE {{name}}_change AS
WITH read AS (
    SELECT d.*, {_MOMENT} AS moment,
           CASE WHEN d.quantity ~ '^[+-]?[0-9]{{1,12}}([.][0-9]{{1,6}})?$'
                THEN d.quantity::numeric END AS number,
           CASE WHEN d.unit IS NULL OR lower(d.unit) = lower(d.own_unit)
                  OR lower(w.ours) = lower(d.own_unit) THEN 1 ELSE u.factor END AS factor
    FROM {{name}}_diff d
    LEFT JOIN {{name}}_word w ON w.kind = 'UNIT' AND w.theirs = d.unit
    LEFT JOIN inventory_itemunit u ON u.item_id = d.item_id
     AND lower(u.unit) = lower(coalesce(w.ours, d.unit))
    WHERE d.line IS NOT NULL
), judged AS (
    SELECT *, CASE
        WHEN sku IS NULL THEN 'the SKU is missing'
        WHEN location IS NULL THEN 'the location is missing'
        WHEN item_id IS NULL THEN 'unknown SKU'
        WHEN location_id IS NULL THEN 'unknown location'
        WHEN location_id = ANY (%(refused)s::bigint[]) THEN 'another system counts this location'
        WHEN quantity IS NULL THEN 'the quantity is missing'
        WHEN number IS NULL THEN 'the quantity is not a number'
        WHEN factor IS NULL THEN 'unknown unit'
        WHEN number < 0 THEN 'the quantity is negative'
        WHEN number * factor <> trunc(number * factor) THEN 'the quantity is not whole'
        WHEN number * factor > 1000000000 THEN 'the quantity is too large'
        WHEN counted_at IS NOT NULL AND moment IS NULL
            THEN 'counted_at is not a time with a zone'
    END AS problem
    FROM read
)
SELECT line, sku, location, unit, quantity, item_id, location_id, level_id, problem,
       CASE WHEN problem IS NULL THEN (number * factor)::int END AS units,
       least(coalesce(moment, %(at)s), %(now)s) AS counted_at,
       ((row_number() OVER (PARTITION BY location_id ORDER BY item_id) - 1) / %(slice)s)::int
           AS slice
FROM judged
"""


def _reject_contradictions(cursor: Any, staged: Staged, words: Words) -> None:
    """Rows that speak of the same shelf must say the same; then one of them counts."""
    name = staged.name
    sku, sku_join = spelled("SKU", "sku", words)
    place, place_join = spelled("LOCATION", "location", words)
    cursor.execute(f"CREATE INDEX ON {name}_change (location_id, slice)")
    cursor.execute(f"ANALYZE {name}_change")
    cursor.execute(_TWICE.replace("{name}", name))
    cursor.execute(
        f"""
UPDATE {name}_change c SET problem = 'another row says otherwise'
FROM (
    SELECT DISTINCT c.item_id, c.location_id FROM {name} r {sku_join} {place_join}
    JOIN inventory_item i ON i.sku = {sku}
    JOIN inventory_location p ON p.code = {place}
    JOIN {name}_change c ON c.item_id = i.id AND c.location_id = p.id
    JOIN inventory_stocklevel l ON l.id = c.level_id
    WHERE c.problem IS NULL AND c.units <> l.on_hand
      AND NOT EXISTS (SELECT 1 FROM {name}_change o WHERE o.line = r.line)
) t WHERE c.item_id = t.item_id AND c.location_id = t.location_id AND c.problem IS NULL
""".replace("{name}", name)
    )


_TWICE = """
UPDATE {name}_change c SET problem = CASE WHEN t.least = t.most THEN 'said before'
                                          ELSE 'another row says otherwise' END
FROM (
    SELECT item_id, location_id, min(units) AS least, max(units) AS most, min(line) AS first
    FROM {name}_change WHERE problem IS NULL GROUP BY item_id, location_id HAVING count(*) > 1
) t WHERE c.item_id = t.item_id AND c.location_id = t.location_id AND c.problem IS NULL
  AND (t.least <> t.most OR c.line <> t.first)
"""


def _sum_up(cursor: Any, name: str, found: Comparison) -> None:
    unknown = list(UNKNOWN.values())
    cursor.execute(
        "SELECT count(*) FILTER (WHERE problem = ANY (%s)),"
        " count(*) FILTER (WHERE problem <> ALL (%s)), count(*) FILTER (WHERE problem IS NULL)"
        f" FROM {name}_change",
        [unknown, [*unknown, "said before"]],
    )
    found.unknown, rejected, found.to_apply = cursor.fetchone()
    found.rejected += rejected
    cursor.execute(
        f"SELECT line, problem, concat_ws(', ', sku, location, quantity, unit)"
        f" FROM {name}_change WHERE problem <> 'said before' ORDER BY line LIMIT %s",
        [MOST_SAMPLES - len(found.samples)],
    )
    found.samples += [{"row": r, "why": why, "text": text[:200]} for r, why, text in cursor]
    found.samples.sort(key=lambda sample: sample["row"])
    for table, problem in UNKNOWN.items():
        column = {"SKU": "sku", "LOCATION": "location", "UNIT": "unit"}[table]
        cursor.execute(
            f"SELECT {column} FROM {name}_change WHERE problem = %s GROUP BY {column}"
            f" ORDER BY count(*) DESC, {column} LIMIT %s",
            [problem, MOST_CODES],
        )
        if codes := [row[0][:200] for row in cursor]:
            found.unknown_codes[table] = codes
    cursor.execute(
        "SELECT location_id, slice, count(*), count(*) FILTER (WHERE level_id IS NULL)"
        f" FROM {name}_change WHERE problem IS NULL GROUP BY 1, 2 ORDER BY 1, 2"
    )
    found.slices = list(cursor.fetchall())
