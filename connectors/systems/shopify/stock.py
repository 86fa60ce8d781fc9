"""The channel hears how many it may sell: available quantities, set absolutely, node by node.

`inventorySetQuantities` requires `@idempotent(key:)` since 2026-04, so asking twice with the same
key sets once. `changeFromQuantity` makes the shop refuse when somebody else moved the number. The
shop sets all entries of a call or none; those it names as wrong are left out and the rest is set.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any
from uuid import UUID

from connectors.events import Refusal
from connectors.systems.base import CodeBook, Intent, MappingMissing, MappingTable, Receipt
from connectors.systems.http import RemoteRejected, RemoteUnavailable
from connectors.systems.shopify.client import Shop
from connectors.systems.shopify.fulfillments import gid
from connectors.systems.stock import Look

SET = """
mutation Publish($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { code field message }
  }
}
"""
LEVEL = (
    'inventoryLevel(locationId: $place{0}) {{ quantities(names: ["available"]) {{ quantity }} }}'
)
# https://shopify.dev/docs/api/usage/limits: at most 250 entries in an input array.
MAX_ENTRIES = 250
SKUS_PER_LOOK = 25
# And at most 1,000 points for a query: 2 for a search, 1 for an object it may find, counted here
# for each of a search's items, though the shop gives a discount on pages.
MAX_POINTS = 1000
ITEMS_PER_SKU = 10
STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
BUSY = frozenset({"IDEMPOTENCY_CONCURRENT_REQUEST"})
# What the shop refuses is taken out and the rest asked for again, so often.
MOST_ROUNDS = 3

Entry = Mapping[str, Any]


def send(shop: Shop, intent: Intent) -> Receipt:
    """Set the quantities; what the shop does not take is listed in the receipt."""
    entries = intent.payload["entries"]
    if len(entries) > MAX_ENTRIES:
        raise RemoteRejected(f"{len(entries)} quantities at once; Shopify takes {MAX_ENTRIES}.")
    wanted, refused = _translated(shop, entries, intent.codes)
    request: dict[str, Any] = {}
    for _ in range(MOST_ROUNDS):
        if not wanted:
            break
        request = _request(intent, wanted)
        try:
            result = _set(shop, request)
        except RemoteRejected as error:
            bad = _moved(shop, intent, wanted, _named(error, wanted))
            refused += bad
            out = {refusal.publication_id for refusal in bad}
            wanted = [pair for pair in wanted if pair[0]["publication"] not in out]
            continue
        group = result.get("inventoryAdjustmentGroup") or {}
        # No group means that every quantity was what we set it to.
        return Receipt(
            external_id=str(group.get("id") or ""),
            request=request,
            response=result,
            refused=refused,
        )
    if wanted:
        raise RemoteUnavailable("Shopify finds something new wrong each time it is asked.")
    return Receipt(
        external_id="",
        detail="nothing was left to set",
        request=request,
        refused=refused,
    )


def look_up(shop: Shop, intent: Intent) -> Receipt | None:
    """A receipt when every available quantity already is what we would set."""
    entries = intent.payload["entries"]
    asked = Look(
        skus=sorted({entry["sku"] for entry in entries}),
        places=sorted({entry["location"] for entry in entries}),
        codes=intent.codes,
    )
    seen = observe(shop, asked)
    for entry in entries:
        if seen.get(entry["sku"], {}).get(entry["location"]) != int(entry["quantity"]):
            return None
    return Receipt(external_id="", detail="the shop already shows these quantities")


def observe(shop: Shop, asked: Look) -> dict[str, dict[str, int]]:
    """What the shop shows as available: by our SKU, then by our location."""
    skus: dict[str, str] = {}
    places: dict[str, str] = {}
    for sku in asked.skus:
        with suppress(MappingMissing):
            skus[asked.codes.external(MappingTable.SKU, sku)] = sku
    for code in asked.places:
        with suppress(MappingMissing):
            places[_place(code, asked.codes)] = code
    seen: dict[str, dict[str, int]] = {}
    for item in _items(shop, sorted(skus), list(places)):
        shown = seen.setdefault(skus[item["sku"]], {})
        for number, code in enumerate(places.values()):
            level = item[f"level{number}"]
            if level and level["quantities"]:
                shown[code] = int(level["quantities"][0]["quantity"])
    return seen


def idempotency_key(effect_key: str, quantities: Sequence[Entry] = ()) -> str:
    """The same UUID for the same effect and numbers, for ever."""
    said = effect_key + (json.dumps(quantities, sort_keys=True) if quantities else "")
    return str(UUID(bytes=sha256(said.encode()).digest()[:16], version=4))


def _request(intent: Intent, wanted: Sequence[tuple[Entry, Entry]]) -> dict[str, Any]:
    quantities = [quantity for _, quantity in wanted]
    return {
        "input": {
            "name": "available",
            "reason": "correction",
            "referenceDocumentUri": f"gid://retailhub/Publication/{intent.payload['reference']}",
            "quantities": quantities,
        },
        "key": idempotency_key(intent.effect_key, quantities),
    }


def _set(shop: Shop, request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return shop.mutate(SET, request, field="inventorySetQuantities")
    except RemoteRejected as error:
        if BUSY & set(error.context.get("codes", ())):
            raise RemoteUnavailable("Shopify is still at work on the same publication.") from error
        raise


def _translated(
    shop: Shop, entries: Sequence[Entry], codes: CodeBook
) -> tuple[list[tuple[Entry, Entry]], list[Refusal]]:
    """Each entry beside what the shop is asked for, and what can't be said in the shop's codes."""
    named: list[tuple[Entry, str, str]] = []
    refused: list[Refusal] = []
    for entry in entries:
        try:
            sku = codes.external(MappingTable.SKU, entry["sku"])
            named.append((entry, sku, _place(entry["location"], codes)))
        except MappingMissing as error:
            refused.append(_unmapped(entry, error))
    ids = _item_ids(shop, sorted({sku for _, sku, _ in named}))
    wanted: list[tuple[Entry, Entry]] = []
    for entry, sku, place in named:
        try:
            item_id = _item_id(entry, sku, ids)
        except (MappingMissing, RemoteRejected) as error:
            refused.append(_unmapped(entry, error))
            continue
        quantity = {
            "inventoryItemId": item_id,
            "locationId": place,
            "quantity": int(entry["quantity"]),
            "changeFromQuantity": entry.get("change_from"),
        }
        wanted.append((entry, quantity))
    return wanted, refused


def _place(code: str, codes: CodeBook) -> str:
    theirs = codes.external(MappingTable.LOCATION, code)
    if not theirs.rpartition("/")[2].isdecimal():  # our own code says nothing to the shop
        raise MappingMissing(
            f"Location {code} has no location in Shopify.",
            table=MappingTable.LOCATION.value,
            external_code=code,
        )
    return gid("Location", theirs)


def _item_ids(shop: Shop, skus: Sequence[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for item in _items(shop, skus):
        found[item["sku"]].add(item["id"])
    return found


def _item_id(entry: Entry, sku: str, ids: Mapping[str, set[str]]) -> str:
    found = ids.get(sku, set())
    if len(found) > 1:
        raise RemoteRejected(f"Shopify has several items with the SKU {sku}.")
    if not found:
        raise MappingMissing(
            f"SKU {entry['sku']} is unknown in Shopify.",
            table=MappingTable.SKU.value,
            external_code=entry["sku"],
        )
    return next(iter(found))


def _unmapped(entry: Entry, error: MappingMissing | RemoteRejected) -> Refusal:
    context = {name: str(value) for name, value in error.context.items()}
    return Refusal(
        publication_id=entry["publication"], code=error.code, detail=str(error), context=context
    )


def _named(error: RemoteRejected, wanted: Sequence[tuple[Entry, Entry]]) -> list[Refusal]:
    """The entries that a refusal points at. Raises the refusal when it points at none."""
    bad: dict[int, Refusal] = {}
    for said in error.context.get("errors", ()):
        path = [str(part) for part in said.get("field") or ()]
        index = next((int(part) for part in path if part.isdecimal()), None)
        if index is None or index >= len(wanted):
            raise error
        entry = wanted[index][0]
        bad[entry["publication"]] = Refusal(
            publication_id=entry["publication"],
            code="connectors.rejected",
            detail=f"Shopify refused {entry['sku']} at {entry['location']}: {said.get('message')}",
            observed={} if said.get("code") in STALE else None,
        )
    if not bad:
        raise error
    return list(bad.values())


def _moved(
    shop: Shop, intent: Intent, wanted: Sequence[tuple[Entry, Entry]], named: Sequence[Refusal]
) -> Sequence[Refusal]:
    """The refusals, with what the shop shows where somebody else moved the number.

    And those of the call that it would name next: it need not name all of them at once.
    """
    if all(refusal.observed is None for refusal in named):
        return named
    entries = [entry for entry, _ in wanted]
    skus = sorted({entry["sku"] for entry in entries})
    places = sorted({entry["location"] for entry in entries})
    seen = observe(shop, Look(skus=skus, places=places, codes=intent.codes))
    found = {refusal.publication_id: refusal for refusal in named}
    for entry in entries:
        shown, told = seen.get(entry["sku"], {}), entry.get("change_from")
        known = found.get(entry["publication"])
        is_named = known is not None and known.observed is not None
        if is_named or (told is not None and shown.get(entry["location"]) != told):
            found[entry["publication"]] = Refusal(
                publication_id=entry["publication"],
                code="connectors.rejected",
                detail=f"Somebody else moved the number of {entry['sku']} in Shopify.",
                observed=shown,
            )
    return list(found.values())


def _items(shop: Shop, skus: Sequence[str], places: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """The items of these SKUs, each with its level at these places as `level0`, `level1`…"""
    size = _skus_per_query(len(places))
    for start in range(0, len(skus), size):
        asked = skus[start : start + size]
        told = _terms(asked) | {f"place{number}": place for number, place in enumerate(places)}
        data = shop.query(_items_query(len(asked), len(places)), told)
        for place, sku in enumerate(asked):
            nodes = (data.get(f"sku{place}") or {}).get("nodes") or []
            # The search is by word and prefix, so only the exact SKU counts.
            yield from (node for node in nodes if node and node.get("sku") == sku)


def _skus_per_query(places: int) -> int:
    points = 2 + ITEMS_PER_SKU * (1 + 2 * places)
    return max(MAX_POINTS // points, 1)


def _items_query(skus: int, places: int) -> str:
    """One search per SKU in one call, each under a name of its own."""
    asked = [f"$term{number}: String!" for number in range(skus)]
    asked += [f"$place{number}: ID!" for number in range(places)]
    levels = " ".join(f"level{number}: {LEVEL.format(number)}" for number in range(places))
    searches = " ".join(
        f"sku{number}: inventoryItems(first: {ITEMS_PER_SKU}, query: $term{number})"
        f" {{ nodes {{ id sku {levels} }} }}"
        for number in range(skus)
    )
    return f"query Items({', '.join(asked)}) {{ {searches} }}"


def _terms(skus: Sequence[str]) -> dict[str, str]:
    quoted = [sku.replace("\\", "\\\\").replace('"', '\\"') for sku in skus]
    return {f"term{place}": f'sku:"{sku}"' for place, sku in enumerate(quoted)}
