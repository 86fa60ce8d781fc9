"""Counts, the calls that follow from them, and what became of each number."""

from __future__ import annotations

from collections import Counter

from django.utils import timezone

from connectors.drains import drain_outbox, drain_stock
from inventory.models import Item, Location, Publication
from inventory.services.count import record_count


def count(sku: str, quantity: int, at: str = "BERLIN") -> None:
    """The warehouse counts."""
    now = timezone.now()
    record_count(
        item_id=Item.objects.get(sku=sku).pk,
        location_id=Location.objects.get(code=at).pk,
        quantity=quantity,
        counted_at=now,
        effect_key=f"count:{sku}:{at}:{now.timestamp()}",
    )


def tell() -> None:
    """Decide, send, and do it again until nothing is left to do."""
    while drain_stock() + drain_outbox():
        pass


def states(sku: str) -> Counter[str]:
    return Counter(Publication.objects.filter(item__sku=sku).values_list("state", flat=True))
