"""What does Square tell of stock? Pure.

A count is of one catalogue variation at one location in one state; only IN_STOCK lies on the shelf.
Quantities are decimal text. Mapping tables read the variation's and the location's ids.
https://developer.squareup.com/reference/square/webhooks/inventory.count.updated
"""

from __future__ import annotations

from typing import Any

from connectors.systems.fields import Fields
from inventory.canonical import CanonicalStock, CanonicalStockCount

COUNT_TOPIC = "inventory.count.updated"
ON_SHELF = "IN_STOCK"
SUBJECT = "Square's event"


def read_counts(payload: Any) -> list[CanonicalStock]:
    """The counts of what is in stock. Raises `MappingFailed` naming the field."""
    event = Fields(payload, SUBJECT)
    data = event.inside("data") or event.refuse("data", "is missing")
    told = data.inside("object") or data.refuse("object", "is missing")
    key = event.identifier("event_id")
    return [
        CanonicalStockCount(
            sku=count.identifier("catalog_object_id"),
            location=count.identifier("location_id"),
            quantity=count.amount("quantity"),
            counted_at=count.moment("calculated_at"),
            source_key=f"{key}:{number}",
        )
        for number, count in enumerate(told.items("inventory_counts", required=True))
        if count.text("state") == ON_SHELF
    ]
