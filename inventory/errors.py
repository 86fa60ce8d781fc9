"""What can stop a promise."""

from __future__ import annotations

from retailhub.kernel.errors import NeedsOperator


class InsufficientStock(NeedsOperator):
    """No node, nor all of them together, can promise what was asked."""

    code = "inventory.insufficient_stock"


class UnitUnknown(NeedsOperator):
    """The item has no factor for the unit that a source counts it in."""

    code = "inventory.unit_unknown"


class NotWhole(NeedsOperator):
    """The quantity is not a whole number of the item's own units."""

    code = "inventory.not_whole"
