"""The promise is no longer needed: its units may be promised again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from inventory.events import StockFreed
from inventory.models import Reservation, StockLevel, StockMovement
from inventory.services.reserve import save_levels
from retailhub.kernel.events import publish


@transaction.atomic
def release_stock(
    references: Iterable[str],
    *,
    trace_id: UUID | None,
    now: datetime,
    location_id: int | None = None,
) -> int:
    """Let go of every promise still held for `references` (at one location, if given).

    Units already shipped stay gone. Returns how many became free; asking again frees nothing more.
    """
    promises = Reservation.objects.filter(
        reference__in=list(references), state=Reservation.State.HELD
    )
    if location_id is not None:
        promises = promises.filter(location_id=location_id)
    rows = list(promises.order_by("item_id", "location_id", "pk"))
    levels = _lock(rows)
    held = list(
        Reservation.objects.select_for_update()
        .filter(pk__in=[row.pk for row in rows], state=Reservation.State.HELD)
        .order_by("pk")
    )
    if not held:
        return 0
    movements = [_give_back(row, levels, trace_id, now) for row in held]
    Reservation.objects.filter(pk__in=[row.pk for row in held]).update(
        state=Reservation.State.RELEASED
    )
    StockMovement.objects.bulk_create(movements)
    save_levels({m.level_id: m.level for m in movements}.values())
    publish(StockFreed(item_ids=tuple({row.item_id for row in held})))
    return sum(-m.reserved_change for m in movements)


def _give_back(
    row: Reservation,
    levels: dict[tuple[int, int], StockLevel],
    trace_id: UUID | None,
    now: datetime,
) -> StockMovement:
    level = levels[row.item_id, row.location_id]
    units = row.quantity - row.consumed_quantity
    level.reserved -= units
    return StockMovement(
        level=level,
        kind=StockMovement.Kind.RELEASED,
        effect_key=f"release:{row.pk}",
        reserved_change=-units,
        on_hand_after=level.on_hand,
        reserved_after=level.reserved,
        trace_id=trace_id,
        happened_at=now,
    )


def _lock(rows: Sequence[Reservation]) -> dict[tuple[int, int], StockLevel]:
    # Levels before reservations, in key order: the same order as everybody else.
    levels = (
        StockLevel.objects.select_for_update()
        .filter(
            item_id__in={row.item_id for row in rows},
            location_id__in={row.location_id for row in rows},
        )
        .order_by("item_id", "location_id")
    )
    return {(level.item_id, level.location_id): level for level in levels}
