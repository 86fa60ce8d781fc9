"""Our numbers -> what a custom shop is told, in its codes; and what it shows, in ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from connectors.events import Refusal
from connectors.systems.base import CodeBook, Intent, MappingMissing, MappingTable, Receipt
from connectors.systems.custom.client import Shop, Shown
from connectors.systems.http import RemoteRejected
from connectors.systems.stock import Look

MOST_AT_ONCE = 500
# So that the address of a read stays below the 4 kB that every server takes.
SKUS_PER_READ = 50


@dataclass(frozen=True)
class _Told:
    """One publication in the shop's codes."""

    publication: int
    our_sku: str
    sku: str
    quantity: int
    locations: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        whole = {"sku": self.sku, "quantity": self.quantity}
        return {**whole, "locations": dict(self.locations)} if self.locations else whole

    def is_shown(self, shown: Shown | None) -> bool:
        if shown is None or shown.quantity != self.quantity:
            return False
        return all(shown.locations.get(code) == n for code, n in self.locations.items())


def send(shop: Shop, intent: Intent) -> Receipt:
    """Set the quantities; what can't be said or is not taken is listed in the receipt."""
    told, refused = _translated(intent)
    if not told:
        return Receipt(external_id="", detail="nothing was left to tell", refused=refused)
    request = {
        "reference": intent.payload["reference"],
        "entries": [one.as_json() for one in told],
    }
    answer, reasons = shop.tell(intent.effect_key, request)
    if strangers := reasons.keys() - {one.sku for one in told}:
        # Then we can't tell which of ours it means, and must not take any for set.
        names = ", ".join(sorted(strangers))[:200]
        raise RemoteRejected(f"The shop refused {names}, which it was not told.")
    refused += [_refusal(one, reasons[one.sku]) for one in told if one.sku in reasons]
    return Receipt(external_id="", request=request, response=answer, refused=refused)


def look_up(shop: Shop, intent: Intent) -> Receipt | None:
    """A receipt when the shop shows each number already. A long list is rather sent again."""
    told, refused = _translated(intent)
    if refused or len(told) > SKUS_PER_READ:
        return None
    shown = shop.stock([one.sku for one in told])
    if not all(one.is_shown(shown.get(one.sku)) for one in told):
        return None
    return Receipt(external_id="", detail="the shop already shows these quantities")


def observe(shop: Shop, asked: Look) -> dict[str, dict[str, int]]:
    """What the shop shows: by our SKU, then by our location ("" where it is told no nodes).

    Of a channel that is told node by node, an entry without locations says nothing we can compare.
    """
    skus = _theirs(MappingTable.SKU, asked.skus, asked.codes)
    places = _theirs(MappingTable.LOCATION, asked.places, asked.codes)
    shown = shop.stock(list(skus)) if skus else {}
    if not asked.places:
        return {skus[row.sku]: {"": row.quantity} for row in shown.values() if row.sku in skus}
    return {
        skus[row.sku]: {places[code]: n for code, n in row.locations.items() if code in places}
        for row in shown.values()
        if row.sku in skus and row.locations
    }


def _theirs(table: MappingTable, ours: Sequence[str], codes: CodeBook) -> dict[str, str]:
    found: dict[str, str] = {}
    for code in ours:
        with suppress(MappingMissing):
            found[codes.external(table, code)] = code
    return found


def _translated(intent: Intent) -> tuple[list[_Told], list[Refusal]]:
    # A channel that hears node by node has an entry for each node of a publication.
    by_publication: dict[int, list[Mapping[str, Any]]] = {}
    for entry in intent.payload["entries"]:
        by_publication.setdefault(entry["publication"], []).append(entry)
    told: list[_Told] = []
    refused: list[Refusal] = []
    for publication, entries in by_publication.items():
        try:
            told.append(_in_their_codes(publication, entries, intent.codes))
        except MappingMissing as error:
            context = {name: str(value) for name, value in error.context.items()}
            refused.append(
                Refusal(
                    publication_id=publication, code=error.code, detail=str(error), context=context
                )
            )
    return told, refused


def _in_their_codes(
    publication: int, entries: Sequence[Mapping[str, Any]], codes: CodeBook
) -> _Told:
    ours = entries[0]["sku"]
    sku = codes.external(MappingTable.SKU, ours)
    locations: Counter[str] = Counter()
    for entry in entries:
        if place := entry["location"]:
            locations[codes.external(MappingTable.LOCATION, place)] += int(entry["quantity"])
    quantity = sum(int(entry["quantity"]) for entry in entries)
    return _Told(publication, ours, sku, quantity, locations)


def _refusal(one: _Told, reason: str) -> Refusal:
    detail = f"The shop refused {one.our_sku}: {reason}"
    return Refusal(publication_id=one.publication, code=RemoteRejected.code, detail=detail)
