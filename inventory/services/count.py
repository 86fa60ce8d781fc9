"""A source counted: the truth, which may leave fewer units than are promised."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from inventory.models import StockMovement
from inventory.services.move import Move, move_stock


def record_count(
    *,
    item_id: int,
    location_id: int,
    quantity: int,
    counted_at: datetime,
    effect_key: str,
    trace_id: UUID | None = None,
) -> bool:
    """Set the level to what was counted, in units. Says whether it was applied.

    A count older than the newest one, or one heard before, changes nothing. Units that left after
    `counted_at` are taken off: it does not matter whether the count or the shipment is heard first.
    """
    count = Move(
        kind=StockMovement.Kind.COUNTED,
        item_id=item_id,
        location_id=location_id,
        counted=quantity,
        happened_at=counted_at,
        effect_key=effect_key,
        trace_id=trace_id,
    )
    return effect_key in move_stock([count])
