"""Where does an item's page live? At its SKU, unless the SKU would not survive an address."""

from __future__ import annotations

from django.urls import reverse

# First words below /inventory/ that are pages of their own.
TAKEN = frozenset({"id", "rules", "runs"})
_LOST = frozenset({"", ".", ".."})  # browsers fold them away


def item_href(sku: str, item_id: int) -> str:
    """The address of an item, whatever its SKU is made of."""
    words = sku.split("/")
    if words[0] in TAKEN or not _LOST.isdisjoint(words):
        return reverse("item-by-id", args=[item_id])
    return reverse("item", args=[sku])
