"""What does Business Central tell of stock? Pure.

A message is `{"item": {…}, "location": "MAIN", "counted_at": …}`: an item as its API shows it, the
place the connection names, and when it was read. `inventory` is on hand at all of Business
Central's locations together, in the base unit of measure.
"""

from __future__ import annotations

from typing import Any

from connectors.systems.base import Reading
from connectors.systems.fields import Fields
from inventory.canonical import CanonicalStockCount

COUNT_TOPIC = "item.counted"
KEPT_IN_STOCK = "Inventory"


def read_item(payload: Any) -> Reading:
    """The count of one item. Raises `MappingFailed` naming the field."""
    told = Fields(payload, "Business Central's item")
    item = told.inside("item") or told.refuse("item", "is missing")
    number = item.identifier("number")
    if "@removed" in item.raw:
        return Reading(ignored=f"Item {number} was deleted.")
    if item.flag("blocked", default=False):
        return Reading(ignored=f"Item {number} is blocked.")
    if (kind := item.text("type", KEPT_IN_STOCK)) != KEPT_IN_STOCK:
        return Reading(ignored=f"Item {number} is not kept in stock ({kind[:40]}).")
    count = CanonicalStockCount(
        sku=number,
        location=told.identifier("location"),
        quantity=item.amount("inventory"),
        counted_at=told.moment("counted_at"),
        source_key=f"{item.identifier('id')}:{told.text('counted_at')}",
        unit=item.text("baseUnitOfMeasureCode", ""),
    )
    return Reading(facts=[count])
