"""What does a custom system tell of stock? Our own format, read strictly. Pure.

    stock.counted     {"id": "c-1", "counts": [{"sku", "location", "quantity", "unit",
                       "counted_at"}]}
    stock.moved       {"id": "m-1", "movements": [{"kind", "sku", "location", "quantity", "unit",
                       "happened_at", "reason", "reference", "to_location", "expected_at"}]}
    stock.in_transit  {"id": "t-1", "arrivals": [{"reference", "sku", "location", "quantity",
                       "unit", "expected_at"}]}

`id` names the message for ever; `unit` is the item's own where it is missing. A `kind` is ADJUSTED
(signed), RECEIVED, SENT_ON (with `to_location` and `reference`), ARRIVED, RETURNED, SOLD or
SET_ASIDE (how many in all).
"""

from __future__ import annotations

from typing import Any

from connectors.systems.fields import Fields
from inventory.canonical import (
    CanonicalInTransit,
    CanonicalStock,
    CanonicalStockCount,
    CanonicalStockMovement,
    MovementKind,
)

SUBJECT = "The stock message"
KINDS = {kind.value: kind for kind in MovementKind}


def read_counts(payload: Any) -> list[CanonicalStock]:
    """Counts, each of one item at one location."""
    told = Fields(payload, SUBJECT)
    key = told.identifier("id")
    return [
        CanonicalStockCount(
            **_shelf(row),
            quantity=row.amount("quantity"),
            counted_at=row.moment("counted_at"),
            source_key=f"{key}:{number}",
        )
        for number, row in enumerate(told.items("counts", required=True))
    ]


def read_movements(payload: Any) -> list[CanonicalStock]:
    """What came, went or changed."""
    told = Fields(payload, SUBJECT)
    key = told.identifier("id")
    rows = enumerate(told.items("movements", required=True))
    return [_movement(row, f"{key}:{number}") for number, row in rows]


def _movement(row: Fields, key: str) -> CanonicalStockMovement:
    kind: MovementKind = row.choice("kind", KINDS)
    is_transfer = kind is MovementKind.SENT_ON
    return CanonicalStockMovement(
        **_shelf(row),
        kind=kind,
        quantity=row.amount("quantity", signed=kind is MovementKind.ADJUSTED),
        happened_at=row.moment("happened_at"),
        source_key=key,
        reason=row.label("reason", limit=200),
        reference=row.text("reference", None if is_transfer else "", limit=120),
        to_location=row.text("to_location", None if is_transfer else "", limit=80),
        expected_at=row.optional_moment("expected_at"),
    )


def read_arrivals(payload: Any) -> list[CanonicalStock]:
    """What is on its way."""
    told = Fields(payload, SUBJECT)
    return [
        CanonicalInTransit(
            **_shelf(row),
            reference=row.text("reference", limit=120),
            quantity=row.amount("quantity"),
            expected_at=row.moment("expected_at"),
        )
        for row in told.items("arrivals", required=True)
    ]


def _shelf(row: Fields) -> dict[str, str]:
    return {
        "sku": row.text("sku", limit=80),
        "location": row.text("location", limit=80),
        "unit": row.text("unit", "", limit=20),
    }
