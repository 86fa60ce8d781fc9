"""What may a source tell us about stock? Plain data; quantities are whole units of the item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class CanonicalStockCount:
    """How many units of `sku` a source counted at `location`, at `counted_at`.

    Codes are spelled as the sender spells them.
    """

    sku: str
    location: str
    quantity: int
    counted_at: datetime
    source_key: str  # unique per count: the effect key of the movement it causes
