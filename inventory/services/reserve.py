"""Who gets the last one? Requests that come together are settled in one pass over locked levels."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from inventory.events import StockFreed
from inventory.models import Reservation, StockLevel
from inventory.selectors import Spot, held_reservations
from inventory.services.give_back import give_back
from inventory.services.save_levels import saving
from retailhub.kernel.events import publish
from retailhub.kernel.rows import Statement, run_together


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Units of one item for one reference (an order line)."""

    reference: str
    item_id: int
    quantity: int


@dataclass(frozen=True, kw_only=True)
class PromiseRequest:
    """What belongs together: all of it is promised, or none.

    `instead_of` is what a hold was promised to that this takes over: its units count for this
    request alone, and the hold ends when the promise is made. One that has ended is no hindrance.
    """

    key: str
    wanted: tuple[Wanted, ...]
    trace_id: UUID | None
    expires_at: datetime | None = None
    instead_of: str = ""


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
    wanted = {w.item_id for request in requests for w in request.wanted}
    levels = lock_items(wanted | {row.item_id for row in _holds(requests, now)})
    # Looked at under the locks: the same reference may be asked for by two at once.
    promised = {row.reference for row in held_reservations(_references(requests))}
    fresh = [r for r in requests if not any(w.reference in promised for w in r.wanted)]
    holds: dict[str, list[Reservation]] = defaultdict(list)
    for row in _holds(fresh, now):
        if (row.item_id, row.location_id) in levels:
            holds[row.reference].append(row)
    # Who held first comes first; of two who name the same hold, the earlier has it.
    own = {r.key: holds.pop(r.instead_of) for r in fresh if r.instead_of in holds}
    kept = {
        r.key: _take_over(r, own[r.key], levels, choose, now) if r.key in own else True
        for r in requests
    }
    others = [request for request in fresh if request.key not in own]
    granted, writes = grant(others, levels, choose=choose, now=now)
    run_together(*writes)
    return kept | granted


def _holds(requests: Sequence[PromiseRequest], now: datetime) -> list[Reservation]:
    """What the requests are to take over. Who comes after its end finds nothing of a hold."""
    named = [request.instead_of for request in requests if request.instead_of]
    rows = held_reservations(named) if named else []
    return [row for row in rows if row.expires_at is None or row.expires_at > now]


def _take_over(
    request: PromiseRequest,
    hold: Sequence[Reservation],
    levels: Mapping[Spot, StockLevel],
    choose: Chooser,
    now: datetime,
) -> bool:
    """Promise as if the units of `hold` were free; only if that is enough, they are."""
    left = Counter[Spot]()
    for row in hold:
        left[row.item_id, row.location_id] += row.quantity - row.consumed_quantity
    plan = choose(request, {spot: level.available + left[spot] for spot, level in levels.items()})
    if plan is None:
        return False
    give_back(hold, levels, state=Reservation.State.RELEASED, trace_id=request.trace_id, now=now)
    _, writes = grant([request], levels, choose=lambda *_: plan, now=now)
    run_together(*writes)
    left.subtract({(part.wanted.item_id, part.location_id): part.quantity for part in plan})
    if free := {item_id for (item_id, _), units in left.items() if units > 0}:
        publish(StockFreed(item_ids=tuple(sorted(free))))
    return True


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
        saving(touched.values()),
    ]
