"""The goods have left: on hand and promised go down together, once per effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from inventory.models import Reservation, StockLevel, StockMovement
from inventory.services.reserve import save_levels


@dataclass(frozen=True, kw_only=True)
class Consumption:
    """Units of a promise that left `location_id`. `effect_key` makes it happen once."""

    reference: str
    item_id: int
    location_id: int
    quantity: int
    effect_key: str


@transaction.atomic
def consume_stock(
    consumptions: Sequence[Consumption], *, trace_id: UUID | None, left_at: datetime
) -> None:
    """Take what left at `left_at` out of stock. A key that was taken before changes nothing.

    More may leave than was promised (the truth wins): the promise then goes down to nothing and
    on hand by what left. A count taken since has seen the goods leave already: then only the
    promise goes down.
    """
    known = set(
        StockMovement.objects.filter(
            effect_key__in=[c.effect_key for c in consumptions]
        ).values_list("effect_key", flat=True)
    )
    for part in sorted(consumptions, key=lambda c: (c.item_id, c.location_id)):
        if part.effect_key not in known:
            _consume(part, trace_id, left_at)


def _consume(part: Consumption, trace_id: UUID | None, left_at: datetime) -> None:
    level = StockLevel.objects.select_for_update().get(
        item_id=part.item_id, location_id=part.location_id
    )
    promised = _use_promise(part)
    was_counted_since = level.counted_at is not None and level.counted_at >= left_at
    units = 0 if was_counted_since else part.quantity
    level.on_hand -= units
    level.reserved -= promised
    StockMovement.objects.create(
        level=level,
        kind=StockMovement.Kind.CONSUMED,
        effect_key=part.effect_key,
        on_hand_change=-units,
        reserved_change=-promised,
        on_hand_after=level.on_hand,
        reserved_after=level.reserved,
        trace_id=trace_id,
        happened_at=left_at,
    )
    save_levels([level])


def _use_promise(part: Consumption) -> int:
    row = (
        Reservation.objects.select_for_update()
        .filter(
            reference=part.reference,
            item_id=part.item_id,
            location_id=part.location_id,
            state=Reservation.State.HELD,
        )
        .first()
    )
    if row is None:
        return 0
    units = min(part.quantity, row.quantity - row.consumed_quantity)
    is_used_up = row.consumed_quantity + units == row.quantity
    Reservation.objects.filter(pk=row.pk).update(
        consumed_quantity=F("consumed_quantity") + units,
        state=Reservation.State.CONSUMED if is_used_up else Reservation.State.HELD,
    )
    return units
