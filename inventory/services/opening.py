"""The first day: what lies where before anything moved, for many levels at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from inventory.models import StockLevel, StockMovement


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Units of one item at one location on the first day."""

    item_id: int
    location_id: int
    quantity: int
    effect_key: str


@transaction.atomic
def open_levels(openings: Sequence[Opening], *, now: datetime) -> int:
    """Make the levels that don't exist yet, each with its first movement. Returns how many."""
    known = set(StockLevel.objects.values_list("item_id", "location_id"))
    fresh = [o for o in openings if (o.item_id, o.location_id) not in known]
    levels = StockLevel.objects.bulk_create(
        StockLevel(item_id=o.item_id, location_id=o.location_id, on_hand=o.quantity, counted_at=now)
        for o in fresh
    )
    StockMovement.objects.bulk_create(
        StockMovement(
            level=level,
            kind=StockMovement.Kind.COUNTED,
            effect_key=opening.effect_key,
            on_hand_change=opening.quantity,
            on_hand_after=opening.quantity,
            reserved_after=0,
            happened_at=now,
        )
        for opening, level in zip(fresh, levels, strict=True)
    )
    return len(levels)
