"""How does a promise end with its units free again? Levels first, then promises, as everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from inventory.models import Reservation, StockLevel, StockMovement
from inventory.selectors import Spot, lock_spots
from inventory.services.save_levels import save_levels
from retailhub.kernel.rows import insert_rows

# How an end is written into the ledger: the effect's name, and why it came.
_ENDS = {
    Reservation.State.RELEASED: ("release", ""),
    Reservation.State.EXPIRED: ("expire", "The hold expired."),
}


def lock_held(
    promises: QuerySet[Reservation], *, limit: int | None = None, also_at: int | None = None
) -> tuple[list[Reservation], dict[Spot, StockLevel]]:
    """Those of `promises` that are held and the levels they are of, which are locked.

    Also the levels of their items at one more location, if asked for. Whoever changes a promise has
    its level, so what is read under these locks stays as it is.
    """
    held = promises.filter(state=Reservation.State.HELD).order_by("expires_at", "pk")[:limit]
    while True:
        spots = set(held.values_list("item_id", "location_id"))
        if also_at is not None:
            spots |= {(item_id, also_at) for item_id, _ in spots}
        with transaction.atomic():  # a savepoint: undone, it gives its locks back
            levels = lock_spots(spots)
            rows = list(held.all())  # anew, also on the next turn
            if all((row.item_id, row.location_id) in levels for row in rows):
                return rows, levels
            # Moved to another node meanwhile. To lock that one, too, would be out of order.
            transaction.set_rollback(True)


def give_back(
    rows: Sequence[Reservation],
    levels: Mapping[Spot, StockLevel],
    *,
    state: Reservation.State,
    trace_id: UUID | None,
    now: datetime,
) -> int:
    """End these locked promises. Units already shipped stay gone. Returns how many became free."""
    if not rows:
        return 0
    movements = [_movement(row, levels[row.item_id, row.location_id], state) for row in rows]
    for movement in movements:
        movement.trace_id, movement.happened_at = trace_id, now
    Reservation.objects.filter(pk__in=[row.pk for row in rows]).update(state=state)
    insert_rows(movements, needs_ids=False)
    save_levels({m.level_id: m.level for m in movements}.values())
    return sum(-m.reserved_change for m in movements)


def _movement(row: Reservation, level: StockLevel, state: Reservation.State) -> StockMovement:
    name, reason = _ENDS[state]
    units = row.quantity - row.consumed_quantity
    level.reserved -= units
    return StockMovement(
        level=level,
        kind=StockMovement.Kind.RELEASED,
        effect_key=f"{name}:{row.pk}",
        reason=reason,
        reserved_change=-units,
        on_hand_after=level.on_hand,
        reserved_after=level.reserved,
        allocated_after=level.allocated,
    )
