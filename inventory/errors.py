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


class ReservationUnknown(NeedsOperator):
    """Nothing was ever promised under this reference."""

    code = "inventory.reservation_unknown"


class ReservationEnded(NeedsOperator):
    """What was promised was given back, has expired or left with the goods."""

    code = "inventory.reservation_ended"


class ReservationConflict(NeedsOperator):
    """The same reference or idempotency key came with another request before; that one counts."""

    code = "inventory.reservation_conflict"


class SnapshotUnreadable(NeedsOperator):
    """A file of stock can't be read as a table."""

    code = "inventory.snapshot_unreadable"


class SnapshotKeyReused(NeedsOperator):
    """The same key came with another file before."""

    code = "inventory.snapshot_key_reused"
