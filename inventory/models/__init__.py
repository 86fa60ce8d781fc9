"""The rows of stock, by concept."""

from inventory.models.answers import ReservationAnswer
from inventory.models.catalog import Channel, Item, ItemUnit, Location
from inventory.models.publication import ChannelOffer, Publication
from inventory.models.rules import AvailabilityRule
from inventory.models.snapshots import SnapshotMark, SnapshotPart, SnapshotRun
from inventory.models.stock import InTransit, Reservation, StockLevel, StockMovement, StockSignal

__all__ = [
    "AvailabilityRule",
    "Channel",
    "ChannelOffer",
    "InTransit",
    "Item",
    "ItemUnit",
    "Location",
    "Publication",
    "Reservation",
    "ReservationAnswer",
    "SnapshotMark",
    "SnapshotPart",
    "SnapshotRun",
    "StockLevel",
    "StockMovement",
    "StockSignal",
]
