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
    # What left after the count was taken is missing from it, though we may have heard of it before.
    left_since = StockMovement.objects.filter(
        level=level, kind=StockMovement.Kind.CONSUMED, happened_at__gt=counted_at
    ).aggregate(units=Sum("on_hand_change"))["units"]
    now_there = quantity + (left_since or 0)
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
    publish(StockCounted(item_ids=(item_id,)))
    if level.available < 0:
        publish(StockOverdrawn(level_id=level.pk, short=-level.available))
    return True
