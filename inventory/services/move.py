"""Every change of a level and its line in the ledger: written together, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from inventory.events import StockCounted, StockFreed, StockOverdrawn
from inventory.models import StockLevel, StockMovement
from inventory.selectors import Spot, lock_spots
from inventory.services.save_levels import save_levels
from retailhub.kernel.events import publish
from retailhub.kernel.rows import insert_rows, update_rows

Kind = StockMovement.Kind


@dataclass(frozen=True, kw_only=True)
class Move:
    """One change of one level, in the item's own units, at the moment it happened.

    `counted` and `set_aside` say how many there are; `on_hand`, `reserved` and `allocated` how many
    more or fewer. `effect_key` makes it happen once.
    """

    kind: StockMovement.Kind
    item_id: int
    location_id: int
    effect_key: str
    happened_at: datetime
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    counted: int | None = None
    set_aside: int | None = None
    reason: str = ""
    source: str = ""
    trace_id: UUID | None = None

    @property
    def spot(self) -> Spot:
        return (self.item_id, self.location_id)


@transaction.atomic
def move_stock(moves: Sequence[Move]) -> set[str]:
    """Apply every effect key that is new, in one pass over levels locked in key order.

    Returns the keys that were applied. The end is the same in whatever order moves are heard:
    a count older than the newest one is history, what left or came after a count is added to it,
    and what a count has seen already changes nothing (the ledger says so in a second line).
    """
    if not moves:
        return set()
    levels = lock_spots({move.spot for move in moves})
    _heed_snapshots(levels)
    before = {spot: level.available for spot, level in levels.items()}
    # Looked at under the locks: the same effect may be told by two at once.
    known = applied_keys(move.effect_key for move in moves)
    fresh = {m.effect_key: m for m in moves if m.effect_key not in known}
    ordered = sorted(fresh.values(), key=lambda move: (move.counted is None, move.happened_at))
    ledger = _Ledger(levels, ordered)
    for move in ordered:
        ledger.apply(move)
    ledger.write()
    _tell(ledger, before)
    return {row.effect_key for row in ledger.rows}


def applied_keys(effect_keys: Iterable[str]) -> set[str]:
    """Those of `effect_keys` that have moved stock already."""
    rows = StockMovement.objects.filter(effect_key__in=list(effect_keys))
    return set(rows.values_list("effect_key", flat=True))


def _heed_snapshots(levels: Mapping[Spot, StockLevel]) -> None:
    # A snapshot that found a level as it was counted it all the same, without touching it.
    spots = list(levels)
    with connection.cursor() as cursor:
        cursor.execute(_MARKS, [list(column) for column in zip(*spots, strict=True)])
        for item_id, location_id, counted_at in cursor:
            level = levels[item_id, location_id]
            if level.counted_at is None or level.counted_at < counted_at:
                level.counted_at = counted_at


_MARKS = """
SELECT w.item_id, w.location_id, max(k.counted_at)
FROM unnest(%s::bigint[], %s::bigint[]) AS w(item_id, location_id)
JOIN inventory_snapshotmark k ON k.location_id = w.location_id
 AND (w.item_id = ANY (k.item_ids)) <> k.is_all_but
GROUP BY 1, 2
"""


class _Ledger:
    """The locked levels of one pass and the lines that change them."""

    def __init__(self, levels: Mapping[Spot, StockLevel], moves: Sequence[Move]) -> None:
        self.levels = levels
        self.rows: list[StockMovement] = []
        self.counted: set[Spot] = set()
        self.suspects: dict[Spot, str] = {}  # the newest effect that may have left too little
        self._since = _moved_since(levels, [m for m in moves if m.counted is not None])
        self._set_since = _set_aside_since(levels, [m for m in moves if m.set_aside is not None])

    def apply(self, move: Move) -> None:
        """Change the level of `move` and note the line; nothing if it is history by now."""
        level = self.levels[move.spot]
        if move.counted is not None:
            self._count(level, move, move.counted)
        elif move.set_aside is not None:
            if move.effect_key not in self._set_since:
                self._add(level, move, allocated=move.set_aside - level.allocated)
        else:
            given_back = max(move.allocated, -level.allocated)
            self._add(
                level, move, on_hand=move.on_hand, reserved=move.reserved, allocated=given_back
            )
            if move.on_hand and level.counted_at and level.counted_at >= move.happened_at:
                self._was_seen(level, move, level.counted_at)

    def _count(self, level: StockLevel, move: Move, counted: int) -> None:
        if level.counted_at is not None and move.happened_at < level.counted_at:
            return
        level.counted_at = move.happened_at
        self.counted.add(move.spot)
        there = counted + self._since.get(move.effect_key, 0)
        self._add(level, move, on_hand=there - level.on_hand)

    def _was_seen(self, level: StockLevel, move: Move, counted_at: datetime) -> None:
        # The shelf was counted after this happened: the count knew it before we did.
        seen = StockMovement(
            level=level,
            kind=Kind.COUNTED,
            effect_key=f"{move.effect_key}:seen",
            reason="The count had seen this already.",
            happened_at=counted_at,
        )
        self._line(seen, on_hand=-move.on_hand)

    def _add(self, level: StockLevel, move: Move, **change: int) -> None:
        row = StockMovement(
            level=level,
            kind=move.kind,
            effect_key=move.effect_key,
            reason=move.reason[:200],
            source=move.source[:60],
            trace_id=move.trace_id,
            happened_at=move.happened_at,
        )
        self._line(row, **change)
        is_less = row.on_hand_change < row.reserved_change + row.allocated_change
        if is_less or move.counted is not None:
            self.suspects[move.spot] = move.effect_key

    def _line(
        self, row: StockMovement, *, on_hand: int = 0, reserved: int = 0, allocated: int = 0
    ) -> None:
        level = row.level
        level.on_hand += on_hand
        level.reserved += reserved
        level.allocated += allocated
        row.on_hand_change, row.on_hand_after = on_hand, level.on_hand
        row.reserved_change, row.reserved_after = reserved, level.reserved
        row.allocated_change, row.allocated_after = allocated, level.allocated
        self.rows.append(row)

    def write(self) -> None:
        """All lines and all levels, in as many statements for a thousand as for one."""
        if not self.rows:
            return
        insert_rows(self.rows, needs_ids=False)
        save_levels({row.level_id: row.level for row in self.rows}.values())
        update_rows([self.levels[spot] for spot in sorted(self.counted)], ["counted_at"])


def _tell(ledger: _Ledger, before: Mapping[Spot, int]) -> None:
    levels = ledger.levels
    if ledger.counted:
        publish(StockCounted(item_ids=tuple(sorted({item_id for item_id, _ in ledger.counted}))))
    rose = {spot for spot, level in levels.items() if level.available > before[spot]}
    if freed := sorted({item_id for item_id, _ in rose - ledger.counted}):
        publish(StockFreed(item_ids=tuple(freed)))
    for spot, effect_key in ledger.suspects.items():
        level, short = levels[spot], -levels[spot].available
        if short > 0:
            publish(StockOverdrawn(level_id=level.pk, short=short, effect_key=effect_key))


# Missing from the shelf, or more on it, since it was counted, though we may know that already.
_SINCE = """
SELECT c.effect_key, sum(m.on_hand_change)
FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[]) AS c(effect_key, level_id, at)
JOIN inventory_stockmovement m ON m.level_id = c.level_id AND m.happened_at > c.at
 AND m.kind <> 'COUNTED' AND m.on_hand_change <> 0
GROUP BY c.effect_key
"""

_SET_SINCE = """
SELECT DISTINCT c.effect_key, 1
FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[]) AS c(effect_key, level_id, at)
JOIN inventory_stockmovement m ON m.level_id = c.level_id AND m.happened_at > c.at
 AND m.kind = 'ALLOCATED'
"""


def _moved_since(levels: Mapping[Spot, StockLevel], counts: Sequence[Move]) -> dict[str, int]:
    return _ask(_SINCE, levels, counts)


def _set_aside_since(levels: Mapping[Spot, StockLevel], moves: Sequence[Move]) -> dict[str, int]:
    return _ask(_SET_SINCE, levels, moves)


def _ask(sql: str, levels: Mapping[Spot, StockLevel], moves: Sequence[Move]) -> dict[str, int]:
    if not moves:
        return {}
    with connection.cursor() as cursor:
        columns: list[Any] = [
            [move.effect_key for move in moves],
            [levels[move.spot].pk for move in moves],
            [move.happened_at for move in moves],
        ]
        cursor.execute(sql, columns)
        return dict(cursor.fetchall())
