"""What may a source tell us about stock? Plain data, codes and units as the sender spells them.

`source_key` is unique per fact of a connection: the effect key of the movement it causes. An empty
`unit` is the item's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class MovementKind(StrEnum):
    """What happened to stock at a node."""

    ADJUSTED = "ADJUSTED"  # more or fewer, signed: damage, loss, correction
    RECEIVED = "RECEIVED"  # from a supplier
    SENT_ON = "SENT_ON"  # to another node
    ARRIVED = "ARRIVED"  # from another node
    RETURNED = "RETURNED"  # by a customer, and sellable
    SOLD = "SOLD"  # over the counter
    SET_ASIDE = "SET_ASIDE"  # so many in all are kept for work that is not ours


@dataclass(frozen=True, kw_only=True)
class CanonicalStockCount:
    """How many of `sku` a source counted at `location`, at `counted_at`."""

    sku: str
    location: str
    quantity: int | Decimal
    counted_at: datetime
    source_key: str
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class CanonicalStockMovement:
    """What came, went or changed at `location`; positive, but for an adjustment.

    `reference` names what goods came or went with; `to_location` where they are sent on to.
    """

    kind: MovementKind
    sku: str
    location: str
    quantity: int | Decimal
    happened_at: datetime
    source_key: str
    unit: str = ""
    reason: str = ""
    reference: str = ""
    to_location: str = ""
    expected_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CanonicalInTransit:
    """How many in all `reference` brings to `location`, and when."""

    reference: str
    sku: str
    location: str
    quantity: int | Decimal
    expected_at: datetime
    unit: str = ""


CanonicalStock = CanonicalStockCount | CanonicalStockMovement | CanonicalInTransit
