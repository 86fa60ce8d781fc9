"""What can stop a promise."""

from __future__ import annotations

from retailhub.kernel.errors import NeedsOperator


class InsufficientStock(NeedsOperator):
    """No node, nor all of them together, can promise what was asked."""

    code = "inventory.insufficient_stock"
