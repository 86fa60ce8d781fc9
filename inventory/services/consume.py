"""The goods have left: on hand and promised go down together, once per effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from inventory.models import Reservation, StockMovement
from inventory.selectors import lock_spots
from inventory.services.move import Move, applied_keys, move_stock


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
    lock_spots({(part.item_id, part.location_id) for part in consumptions})
    known = applied_keys(part.effect_key for part in consumptions)
    move_stock(
        [
            Move(
                kind=StockMovement.Kind.CONSUMED,
                item_id=part.item_id,
                location_id=part.location_id,
                on_hand=-part.quantity,
                reserved=-_use_promise(part),
                happened_at=left_at,
                effect_key=part.effect_key,
                trace_id=trace_id,
            )
            for part in sorted(consumptions, key=lambda c: (c.item_id, c.location_id))
            if part.effect_key not in known
        ]
    )


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
