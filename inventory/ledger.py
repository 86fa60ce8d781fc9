"""What lay where, at any moment? Every level again from its movements.

Two clocks: *as it was* counts what had happened by then, whenever we heard of it; *as we knew it*
counts what we had heard by then. The levels themselves are both, now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Sum

from inventory.models import Publication, StockMovement
from inventory.overdraft import Evidence
from inventory.selectors import Spot


@dataclass(frozen=True)
class Standing:
    """The numbers of one level at one moment, in units."""

    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0

    @property
    def available(self) -> int:
        """Units that could still be promised."""
        return self.on_hand - self.reserved - self.allocated


def stock_at(
    item_ids: Iterable[int], *, was_at: datetime | None = None, known_at: datetime | None = None
) -> dict[Spot, Standing]:
    """The levels of these items as they were at `was_at`, as far as we knew by `known_at`.

    Without a moment: now. A level that had no movement yet is left out.
    """
    rows = StockMovement.objects.filter(level__item_id__in=list(item_ids))
    if was_at is not None:
        rows = rows.filter(happened_at__lte=was_at)
    if known_at is not None:
        rows = rows.filter(heard_at__lte=known_at)
    sums = rows.order_by().values_list("level__item_id", "level__location_id")
    columns = (Sum("on_hand_change"), Sum("reserved_change"), Sum("allocated_change"))
    return {(item, place): Standing(*units) for item, place, *units in sums.annotate(*columns)}


def overdraft_evidence(*, level_id: int, effect_key: str, short: int) -> Evidence:
    """What the ledger knows of the moment in which movement `effect_key` left too few units."""
    row = StockMovement.objects.select_related("level").get(effect_key=effect_key)
    lines = StockMovement.objects.filter(level_id=level_id)
    earlier = lines.filter(pk__lt=row.pk)
    then = earlier.filter(happened_at__lte=row.happened_at)
    since = earlier.filter(happened_at__gt=row.happened_at)
    on_hand_then, moved_since = _units(then, "on_hand"), _units(since, "on_hand")
    published, existed = _published(row)
    return Evidence(
        kind=row.kind,
        source=row.source,
        reason=row.reason,
        short=short,
        happened_at=row.happened_at,
        heard_at=row.heard_at,
        counted=row.on_hand_after - moved_since,
        expected=on_hand_then,
        promised_since=max(_units(since, "reserved"), 0),
        published=published,
        existed=existed,
        drift=row.on_hand_after - row.on_hand_change - on_hand_then - moved_since,
    )


def _units(rows: Any, name: str) -> int:
    return int(rows.aggregate(units=Sum(f"{name}_change"))["units"] or 0)


def _published(row: StockMovement) -> tuple[int, int]:
    """The most any channel was offering then, and what really was there to be offered."""
    item_id = row.level.item_id
    told = (
        Publication.objects.filter(item_id=item_id, decided_at__lte=row.heard_at)
        .order_by("channel_id", "-pk")
        .distinct("channel_id")
    )
    most = max(told, key=lambda publication: publication.quantity, default=None)
    if most is None:
        return 0, 0
    levels = stock_at([item_id], was_at=most.decided_at).values()
    return most.quantity, sum(max(level.available, 0) for level in levels)


# One scan of each table, whatever the catalogue's size.
_DIFFERENCES = """
WITH ledger AS (
    SELECT level_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved,
           sum(allocated_change) AS allocated, count(*) AS movements
    FROM inventory_stockmovement GROUP BY level_id
), held AS (
    SELECT item_id, location_id, sum(quantity - consumed_quantity) AS units
    FROM inventory_reservation WHERE state = 'HELD' GROUP BY item_id, location_id
), stands AS (
    SELECT l.id, coalesce(l.item_id, h.item_id) AS item_id,
           coalesce(l.location_id, h.location_id) AS location_id,
           coalesce(l.on_hand, 0) AS on_hand, coalesce(l.reserved, 0) AS reserved,
           coalesce(l.allocated, 0) AS allocated, coalesce(h.units, 0) AS held
    FROM inventory_stocklevel l FULL JOIN held h USING (item_id, location_id)
), compared AS (
    SELECT s.*, coalesce(m.on_hand, 0) AS ledger_on_hand,
           coalesce(m.reserved, 0) AS ledger_reserved,
           coalesce(m.allocated, 0) AS ledger_allocated, coalesce(m.movements, 0) AS movements
    FROM stands s LEFT JOIN ledger m ON m.level_id = s.id
), total AS (
    SELECT count(*) AS levels, coalesce(sum(movements), 0) AS movements FROM compared
), wrong AS (
    SELECT *, count(*) OVER () AS differing FROM compared
    WHERE (on_hand, reserved, allocated) IS DISTINCT FROM
          (ledger_on_hand, ledger_reserved, ledger_allocated) OR reserved <> held
    ORDER BY item_id, location_id LIMIT %s
)
SELECT t.levels, t.movements, coalesce(w.differing, 0), i.sku, p.code, w.on_hand,
       w.ledger_on_hand, w.reserved, w.ledger_reserved, w.held, w.allocated, w.ledger_allocated
FROM total t LEFT JOIN wrong w ON true
LEFT JOIN inventory_item i ON i.id = w.item_id
LEFT JOIN inventory_location p ON p.id = w.location_id
ORDER BY i.sku, p.code
"""


@dataclass(frozen=True)
class Difference:
    """A level that is not what its movements, or the promises held at it, add up to."""

    sku: str
    location: str
    on_hand: int
    ledger_on_hand: int
    reserved: int
    ledger_reserved: int
    held: int
    allocated: int
    ledger_allocated: int

    def __str__(self) -> str:
        pairs = [
            ("on hand", self.on_hand, "movements say", self.ledger_on_hand),
            ("promised", self.reserved, "movements say", self.ledger_reserved),
            ("promised", self.reserved, "reservations hold", self.held),
            ("set aside", self.allocated, "movements say", self.ledger_allocated),
        ]
        said = [f"{n} {label}, {who} {other}" for label, n, who, other in pairs if n != other]
        return f"{self.sku} at {self.location}: {'; '.join(said)}"


@dataclass(frozen=True)
class Proof:
    """How many levels and movements were compared, and the first of those that differ."""

    levels: int
    movements: int
    differing: int
    differences: tuple[Difference, ...]


def prove_levels(*, most: int) -> Proof:
    """Compare every level with its ledger and its promises, in one statement; name `most`."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCES, [most])
        rows = cursor.fetchall()
    levels, movements, differing = (int(number) for number in rows[0][:3])
    found = tuple(Difference(*row[3:5], *map(int, row[5:])) for row in rows if row[3] is not None)
    return Proof(levels, movements, differing, found)
