"""The buttons of an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exceptions.buttons import Button
from inventory.models import Item, StockLevel
from retailhub.console.inventory.offers import Standing


def buttons_of(
    user: Any, item: Item, told: Sequence[Standing], levels: Sequence[StockLevel]
) -> list[Button]:
    """What this person may do with it."""
    return []
