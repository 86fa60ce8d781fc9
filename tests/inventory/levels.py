"""What stands on a shelf."""

from __future__ import annotations

from inventory.models import StockLevel


def numbers(level: StockLevel) -> tuple[int, int]:
    """Units on hand, and units reserved."""
    level.refresh_from_db()
    return level.on_hand, level.reserved
