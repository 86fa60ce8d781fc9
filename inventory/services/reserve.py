"""Who gets the last one? Requests that come together are settled in one pass over locked levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from inventory.models import Reservation, StockLevel, StockMovement
from inventory.selectors import held_reservations
from retailhub.kernel.rows import insert_rows

Place = tuple[int, int]  # (item id, location id)


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
    trace_id: UUID


@dataclass(frozen=True, kw_only=True)
class Held:
    """Units taken from one location for one wanted thing."""

    wanted: Wanted
    location_id: int
    quantity: int


# Given a request and what is available, where to take it from; None when it can't be kept.
Chooser = Callable[[PromiseRequest, Mapping[Place, int]], Sequence[Held] | None]


@transaction.atomic
def promise_stock(
    requests: Sequence[PromiseRequest], *, choose: Chooser, now: datetime
) -> dict[str, bool]:
    """Promise each request in turn, whole or not at all; says which were kept.

    Levels are locked once, in key order, so neither deadlock nor oversell is possible. A request
    that already holds its promises is kept and changes nothing.
    """
    levels = _lock_levels({w.item_id for request in requests for w in request.wanted})
    # Looked at under the locks: the same reference may be asked for by two at once.
    promised = {row.reference for row in held_reservations(_references(requests))}
    fresh = [r for r in requests if not any(w.reference in promised for w in r.wanted)]
    room = {place: level.available for place, level in levels.items()}
    kept = {request.key: True for request in requests}
    held: list[tuple[PromiseRequest, Held]] = []
    for request in fresh:
        plan = choose(request, room)
        kept[request.key] = plan is not None
        for part in plan or ():
            place = (part.wanted.item_id, part.location_id)
            if part.quantity > room.get(place, 0):
                raise AssertionError(f"{request.key} was planned beyond the room at {place}")
            room[place] -= part.quantity
            held.append((request, part))
    _write(held, levels, now)
    return kept


def _references(requests: Iterable[PromiseRequest]) -> list[str]:
    return [wanted.reference for request in requests for wanted in request.wanted]


def _lock_levels(item_ids: set[int]) -> dict[Place, StockLevel]:
    if not item_ids:
        return {}
    rows = (
        StockLevel.objects.select_for_update()
        .filter(item_id__in=item_ids, location__is_active=True)
        .order_by("item_id", "location_id")
    )
    return {(row.item_id, row.location_id): row for row in rows.select_for_update(of=("self",))}


def _write(
    held: Sequence[tuple[PromiseRequest, Held]], levels: Mapping[Place, StockLevel], now: datetime
) -> None:
    if not held:
        return
    rows = insert_rows(
        Reservation(
            reference=part.wanted.reference,
            item_id=part.wanted.item_id,
            location_id=part.location_id,
            quantity=part.quantity,
        )
        for _, part in held
    )
    movements = []
    for (request, part), row in zip(held, rows, strict=True):
        level = levels[part.wanted.item_id, part.location_id]
        level.reserved += part.quantity
        movements.append(
            StockMovement(
                level=level,
                kind=StockMovement.Kind.RESERVED,
                effect_key=f"hold:{row.pk}",
                reserved_change=part.quantity,
                on_hand_after=level.on_hand,
                reserved_after=level.reserved,
                trace_id=request.trace_id,
                happened_at=now,
            )
        )
    insert_rows(movements, needs_ids=False)
    save_levels({m.level_id: m.level for m in movements}.values())


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
    rows = sorted(levels, key=lambda level: level.pk)
    columns = ("pk", "on_hand", "reserved", "allocated")
    with connection.cursor() as cursor:
        cursor.execute(_SAVE_LEVELS, [[getattr(r, name) for r in rows] for name in columns])
