"""The rows of stock, by concept."""

from inventory.models.catalog import Channel, Item, Location
from inventory.models.stock import Reservation, StockLevel, StockMovement

__all__ = ["Channel", "Item", "Location", "Reservation", "StockLevel", "StockMovement"]
