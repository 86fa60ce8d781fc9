"""Are all levels what their movements say? Proved every night for the whole catalogue."""

from __future__ import annotations

from django.db import transaction

from inventory.events import StockProved
from inventory.ledger import Proof, prove_levels
from retailhub.kernel.events import publish

MOST_NAMED = 100


@transaction.atomic
def check_stock() -> Proof:
    """Compare every level with the ledger and tell the desk. Changes nothing."""
    proof = prove_levels(most=MOST_NAMED)
    publish(
        StockProved(
            levels=proof.levels,
            differing=proof.differing,
            named=tuple(map(str, proof.differences)),
        )
    )
    return proof
