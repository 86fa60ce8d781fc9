"""The channel hears how many it may sell: available quantities, set absolutely.

`inventorySetQuantities` requires `@idempotent(key:)` since 2026-04, so asking twice with the same
key sets once. `changeFromQuantity` makes the shop refuse when somebody else moved the number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from connectors.systems.base import Intent, MappingMissing, MappingTable, Receipt
from connectors.systems.http import RemoteRejected, RemoteUnavailable
from connectors.systems.shopify.client import Shop
from connectors.systems.shopify.fulfillments import gid

SET = """
mutation Publish($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { code field message }
  }
}
"""
ITEM_FIELDS = "id sku"
LEVEL_FIELDS = """
id sku inventoryLevels(first: 50) {
  nodes { location { id } quantities(names: ["available"]) { quantity } }
}
"""
# https://shopify.dev/docs/api/usage/limits: at most 250 entries in an input array.
MAX_ENTRIES = 250
SKUS_PER_QUERY = 25
STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
BUSY = frozenset({"IDEMPOTENCY_CONCURRENT_REQUEST"})


def send(shop: Shop, intent: Intent) -> Receipt:
    """Set the quantities. Refused with code CHANGE_FROM_QUANTITY_STALE when overtaken."""
    quantities = _quantities(shop, intent)
    request = {
        "input": {
            "name": "available",
            "reason": "correction",
            "referenceDocumentUri": f"gid://retailhub/Publication/{intent.payload['reference']}",
            "quantities": quantities,
        },
        "key": idempotency_key(intent.effect_key),
    }
    try:
        result = shop.mutate(SET, request, field="inventorySetQuantities")
    except RemoteRejected as error:
        if BUSY & set(error.context.get("codes", ())):
            raise RemoteUnavailable("Shopify is still at work on the same publication.") from error
        raise
    group = result.get("inventoryAdjustmentGroup") or {}
    # No group means that every quantity was what we set it to.
    return Receipt(external_id=str(group.get("id") or ""), request=request, response=result)


def look_up(shop: Shop, intent: Intent) -> Receipt | None:
    """A receipt when every available quantity already is what we would set."""
    skus, places = _codes(intent)
    seen = {
        (item["sku"], level["location"]["id"]): level["quantities"][0]["quantity"]
        for item in _items(shop, LEVEL_FIELDS, sorted(set(skus.values())))
        for level in item["inventoryLevels"]["nodes"]
        if level["quantities"]
    }
    for entry in intent.payload["entries"]:
        place = skus[entry["sku"]], places[entry["location"]]
        if seen.get(place) != int(entry["quantity"]):
            return None
    return Receipt(external_id="", detail="the shop already shows these quantities")


def idempotency_key(effect_key: str) -> str:
    """The same UUID for the same effect, for ever."""
    return str(UUID(bytes=sha256(effect_key.encode()).digest()[:16], version=4))


def _quantities(shop: Shop, intent: Intent) -> list[dict[str, Any]]:
    entries = intent.payload["entries"]
    if len(entries) > MAX_ENTRIES:
        raise RemoteRejected(f"{len(entries)} quantities at once; Shopify takes {MAX_ENTRIES}.")
    skus, places = _codes(intent)
    item_ids = _item_ids(shop, skus)
    return [
        {
            "inventoryItemId": item_ids[skus[entry["sku"]]],
            "locationId": places[entry["location"]],
            "quantity": int(entry["quantity"]),
            "changeFromQuantity": entry.get("change_from"),
        }
        for entry in entries
    ]


def _codes(intent: Intent) -> tuple[dict[str, str], dict[str, str]]:
    """Our SKU -> the shop's, our location -> the shop's location id."""
    entries, external = intent.payload["entries"], intent.codes.external
    skus = {entry["sku"]: external(MappingTable.SKU, entry["sku"]) for entry in entries}
    places = {
        entry["location"]: gid("Location", external(MappingTable.LOCATION, entry["location"]))
        for entry in entries
    }
    return skus, places


def _item_ids(shop: Shop, skus: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in _items(shop, ITEM_FIELDS, sorted(set(skus.values()))):
        if found.setdefault(item["sku"], item["id"]) != item["id"]:
            raise RemoteRejected(f"Shopify has several items with the SKU {item['sku']}.")
    for ours, theirs in skus.items():
        if theirs not in found:
            raise MappingMissing(
                f"SKU {ours} is unknown in Shopify.",
                table=MappingTable.SKU.value,
                external_code=ours,
            )
    return found


def _items(shop: Shop, fields: str, skus: Sequence[str]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(skus), SKUS_PER_QUERY):
        asked = skus[start : start + SKUS_PER_QUERY]
        data = shop.query(_items_query(fields, len(asked)), _terms(asked))
        for place, sku in enumerate(asked):
            nodes = (data.get(f"sku{place}") or {}).get("nodes") or []
            # The search is by word and prefix, so only the exact SKU counts.
            yield from (node for node in nodes if node and node.get("sku") == sku)


def _items_query(fields: str, count: int) -> str:
    """One search per SKU in one call, each under a name of its own."""
    places = range(count)
    asked = ", ".join(f"$term{place}: String!" for place in places)
    searches = " ".join(
        f"sku{place}: inventoryItems(first: 10, query: $term{place}) {{ nodes {{ {fields} }} }}"
        for place in places
    )
    return f"query Items({asked}) {{ {searches} }}"


def _terms(skus: Sequence[str]) -> dict[str, str]:
    quoted = [sku.replace("\\", "\\\\").replace('"', '\\"') for sku in skus]
    return {f"term{place}": f'sku:"{sku}"' for place, sku in enumerate(quoted)}
