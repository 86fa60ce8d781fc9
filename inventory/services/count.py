"""A source counted: the truth, which may leave fewer units than are promised."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from inventory.events import StockCounted, StockOverdrawn
from inventory.models import StockLevel, StockMovement
from inventory.services.reserve import save_levels
from retailhub.kernel.events import publish


@transaction.atomic
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
    StockLevel.objects.get_or_create(item_id=item_id, location_id=location_id)
    level = StockLevel.objects.select_for_update().get(item_id=item_id, location_id=location_id)
    if level.counted_at is not None and counted_at < level.counted_at:
        return False
    if StockMovement.objects.filter(effect_key=effect_key).exists():
        return False
    now_there = quantity + _left_since(level, counted_at)
    change, level.on_hand = now_there - level.on_hand, now_there
    StockMovement.objects.create(
        level=level,
        kind=StockMovement.Kind.COUNTED,
        effect_key=effect_key,
        on_hand_change=change,
        on_hand_after=level.on_hand,
        reserved_after=level.reserved,
        trace_id=trace_id,
        happened_at=counted_at,
    )
    save_levels([level])
    StockLevel.objects.filter(pk=level.pk).update(counted_at=counted_at)
    _tell(level)
    return True


def _left_since(level: StockLevel, counted_at: datetime) -> int:
    # Missing from the shelf after it was counted, though we may have heard of it before.
    left = StockMovement.objects.filter(
        level=level, kind=StockMovement.Kind.CONSUMED, happened_at__gt=counted_at
    )
    return left.aggregate(units=Sum("on_hand_change"))["units"] or 0


def _tell(level: StockLevel) -> None:
    publish(StockCounted(item_ids=(level.item_id,)))
    if level.available < 0:
        publish(StockOverdrawn(level_id=level.pk, short=-level.available))
