"""Who gets the last one? Requests that come together are settled in one pass over locked levels."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from inventory.models import StockLevel
from inventory.selectors import Spot, held_reservations
from retailhub.kernel.rows import Statement, run_together


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Units of one item for one reference (an order line)."""

    reference: str
    item_id: int
    quantity: int


@dataclass(frozen=True, kw_only=True)
class PromiseRequest:
    """What belongs together: all of it is promised, or none."""

    key: str
    wanted: tuple[Wanted, ...]
    trace_id: UUID | None
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Held:
    """Units taken from one location for one wanted thing."""

    wanted: Wanted
    location_id: int
    quantity: int


# Given a request and what is available, where to take it from; None when it can't be kept.
Chooser = Callable[[PromiseRequest, Mapping[Spot, int]], Sequence[Held] | None]


@transaction.atomic(savepoint=False)
def promise_stock(
    requests: Sequence[PromiseRequest], *, choose: Chooser, now: datetime
) -> dict[str, bool]:
    """Promise each request in turn, whole or not at all; says which were kept.

    Levels are locked once, in key order, so neither deadlock nor oversell is possible. A request
    that already holds its promises is kept and changes nothing.
    """
    levels = lock_items({w.item_id for request in requests for w in request.wanted})
    # Looked at under the locks: the same reference may be asked for by two at once.
    promised = {row.reference for row in held_reservations(_references(requests))}
    fresh = [r for r in requests if not any(w.reference in promised for w in r.wanted)]
    kept, writes = grant(fresh, levels, choose=choose, now=now)
    run_together(*writes)
    return {request.key: True for request in requests} | kept


def grant(
    requests: Sequence[PromiseRequest],
    levels: Mapping[Spot, StockLevel],
    *,
    choose: Chooser,
    now: datetime,
) -> tuple[dict[str, bool], list[Statement]]:
    """Promise from `levels` that the caller has locked, in the order of `requests`.

    Says which are kept, and what the caller has to run to keep them.
    """
    room = {place: level.available for place, level in levels.items()}
    kept: dict[str, bool] = {}
    held: list[tuple[PromiseRequest, Held]] = []
    for request in requests:
        plan = choose(request, room)
        kept[request.key] = plan is not None
        for part in plan or ():
            place = (part.wanted.item_id, part.location_id)
            if part.quantity > room.get(place, 0):
                raise AssertionError(f"{request.key} was planned beyond the room at {place}")
            room[place] -= part.quantity
            held.append((request, part))
    return kept, _writes(held, levels, now)


def _references(requests: Iterable[PromiseRequest]) -> list[str]:
    return [wanted.reference for request in requests for wanted in request.wanted]


def lock_items(item_ids: Collection[int]) -> dict[Spot, StockLevel]:
    """Every active level of these items, locked in key order."""
    (rows,) = run_together(locking(item_ids))
    return locked(rows)


def locking(item_ids: Collection[int]) -> Statement:
    """The statement of `lock_items`; `locked` reads its rows."""
    return _LOCK_ITEMS, [sorted(item_ids)]


def locked(rows: Iterable[tuple[Any, ...]]) -> dict[Spot, StockLevel]:
    """What `locking` found."""
    levels = [StockLevel.from_db(connection.alias, _LEVEL, row) for row in rows]
    return {(level.item_id, level.location_id): level for level in levels}


_LEVEL = ["id", "item_id", "location_id", "on_hand", "reserved", "allocated"]
_LOCK_ITEMS = """
SELECT l.id, l.item_id, l.location_id, l.on_hand, l.reserved, l.allocated
FROM inventory_stocklevel l JOIN inventory_location n ON n.id = l.location_id
WHERE l.item_id = ANY(%s::bigint[]) AND n.is_active
ORDER BY l.item_id, l.location_id FOR UPDATE OF l
"""

# One statement for any number of promises, their values as one text: arrays of a driver cost more.
_WRITE_PROMISES = """
WITH asked AS MATERIALIZED (
    SELECT nextval('inventory_reservation_id_seq') AS id,
           v->>0 AS reference, (v->>1)::bigint AS item_id, (v->>2)::bigint AS location_id,
           (v->>3)::int AS quantity, (v->>4)::timestamptz AS expires_at,
           (v->>5)::bigint AS level_id, (v->>6)::int AS on_hand, (v->>7)::int AS reserved,
           (v->>8)::int AS allocated, (v->>9)::uuid AS trace_id
    FROM jsonb_array_elements(%s::jsonb) v
), promised AS (
    INSERT INTO inventory_reservation
           (id, reference, item_id, location_id, quantity, state, expires_at)
    SELECT id, reference, item_id, location_id, quantity, 'HELD', expires_at FROM asked
)
INSERT INTO inventory_stockmovement
       (level_id, kind, effect_key, reserved_change,
        on_hand_after, reserved_after, allocated_after, trace_id, happened_at)
SELECT level_id, 'RESERVED', 'hold:' || id, quantity, on_hand, reserved, allocated, trace_id,
       %s::timestamptz
FROM asked
"""


def _writes(
    held: Sequence[tuple[PromiseRequest, Held]], levels: Mapping[Spot, StockLevel], now: datetime
) -> list[Statement]:
    if not held:
        return []
    rows = []
    touched: dict[int, StockLevel] = {}
    for request, part in held:
        wanted = part.wanted
        level = levels[wanted.item_id, part.location_id]
        level.reserved += part.quantity
        touched[level.pk] = level
        rows.append(
            (
                *(wanted.reference, wanted.item_id, part.location_id, part.quantity),
                *(request.expires_at, level.pk),
                *(level.on_hand, level.reserved, level.allocated, request.trace_id),
            )
        )
    return [
        (_WRITE_PROMISES, [json.dumps(rows, default=str), now]),
        _saving(touched.values()),
    ]


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
    run_together(_saving(levels))


def _saving(levels: Iterable[StockLevel]) -> Statement:
    rows = sorted(levels, key=lambda level: level.pk)
    columns = ("pk", "on_hand", "reserved", "allocated")
    return _SAVE_LEVELS, [[getattr(row, name) for row in rows] for name in columns]
