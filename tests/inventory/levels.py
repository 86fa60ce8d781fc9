"""A shelf: what stands on it, and the ways it changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from inventory.models import StockLevel
from inventory.services.consume import Consumption, consume_stock
from inventory.services.count import record_count
from inventory.services.move import Kind, Move


def on_hand(level: StockLevel) -> int:
    """Units on the shelf now."""
    level.refresh_from_db()
    return level.on_hand


def numbers(level: StockLevel) -> tuple[int, int]:
    """Units on hand, and units reserved."""
    level.refresh_from_db()
    return level.on_hand, level.reserved


def count(level: StockLevel, quantity: int, at: datetime, key: str = "") -> bool:
    """Whether a count of that moment was news."""
    return record_count(
        item_id=level.item_id,
        location_id=level.location_id,
        quantity=quantity,
        counted_at=at,
        effect_key=key or f"count:{at.isoformat()}",
    )


def ship(level: StockLevel, quantity: int, at: datetime, key: str = "") -> None:
    """So many left the shelf at that moment."""
    part = Consumption(
        reference="A:MUG",
        item_id=level.item_id,
        location_id=level.location_id,
        quantity=quantity,
        effect_key=key or f"ship:{at.isoformat()}",
    )
    consume_stock([part], trace_id=None, left_at=at)


def moved(level: StockLevel, kind: Kind, at: datetime, key: str, **change: Any) -> Move:
    """A movement of this shelf, still to be told."""
    return Move(
        kind=kind,
        item_id=level.item_id,
        location_id=level.location_id,
        happened_at=at,
        effect_key=key,
        **change,
    )
