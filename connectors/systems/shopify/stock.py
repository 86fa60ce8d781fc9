"""The channel hears how many it may sell: available quantities, set absolutely.

`inventorySetQuantities` requires `@idempotent(key:)` since 2026-04, so asking twice with the same
key sets once. `changeFromQuantity` makes the shop refuse when somebody else moved the number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
ITEMS_QUERY = """
query Items($query: String!) { inventoryItems(first: 100, query: $query) { nodes { id sku } } }
"""
LEVELS_QUERY = """
query Levels($query: String!) {
  inventoryItems(first: 100, query: $query) {
    nodes {
      id
      sku
      inventoryLevels(first: 50) {
        nodes { location { id } quantities(names: ["available"]) { quantity } }
      }
    }
  }
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
    wanted = {
        (entry["inventoryItemId"], entry["locationId"]): entry["quantity"]
        for entry in _quantities(shop, intent)
    }
    codes = {intent.codes.external(MappingTable.SKU, e["sku"]) for e in intent.payload["entries"]}
    seen = {
        (node["id"], level["location"]["id"]): level["quantities"][0]["quantity"]
        for node in _items(shop, LEVELS_QUERY, sorted(codes))
        for level in node["inventoryLevels"]["nodes"]
        if level["quantities"]
    }
    if any(seen.get(place) != quantity for place, quantity in wanted.items()):
        return None
    return Receipt(external_id="", detail="the shop already shows these quantities")


def idempotency_key(effect_key: str) -> str:
    """The same UUID for the same effect, for ever."""
    return str(UUID(bytes=sha256(effect_key.encode()).digest()[:16], version=4))


def _quantities(shop: Shop, intent: Intent) -> list[dict[str, Any]]:
    entries = intent.payload["entries"]
    if len(entries) > MAX_ENTRIES:
        raise RemoteRejected(f"{len(entries)} quantities at once; Shopify takes {MAX_ENTRIES}.")
    codes = {
        entry["sku"]: intent.codes.external(MappingTable.SKU, entry["sku"]) for entry in entries
    }
    item_ids = _item_ids(shop, codes)
    return [
        {
            "inventoryItemId": item_ids[codes[entry["sku"]]],
            "locationId": gid(
                "Location", intent.codes.external(MappingTable.LOCATION, entry["location"])
            ),
            "quantity": int(entry["quantity"]),
            "changeFromQuantity": entry.get("change_from"),
        }
        for entry in entries
    ]


def _item_ids(shop: Shop, codes: dict[str, str]) -> dict[str, str]:
    """Inventory item ids by the shop's code: a SKU, or the item's global id itself."""
    found = {code: code for code in codes.values() if code.startswith("gid://")}
    unknown = sorted(set(codes.values()) - found.keys())
    found |= {
        node["sku"]: node["id"] for node in _items(shop, ITEMS_QUERY, unknown) if node.get("sku")
    }
    for sku, code in codes.items():
        # The search is by word and prefix, so only an exact SKU counts.
        if code not in found:
            raise MappingMissing(
                f"SKU {sku} is unknown in Shopify.", table=MappingTable.SKU, external_code=sku
            )
    return found


def _items(shop: Shop, query: str, codes: Sequence[str]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(codes), SKUS_PER_QUERY):
        terms = " OR ".join(_term(code) for code in codes[start : start + SKUS_PER_QUERY])
        found = shop.query(query, {"query": terms}).get("inventoryItems") or {}
        yield from filter(None, found.get("nodes") or [])


def _term(code: str) -> str:
    if code.startswith("gid://"):
        return f"id:{code.rpartition('/')[2]}"
    quoted = code.replace("\\", "\\\\").replace('"', '\\"')
    return f'sku:"{quoted}"'
