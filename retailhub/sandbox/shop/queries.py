"""The reading half of the Admin API: where each query starts."""

import re
from collections.abc import Callable
from typing import Any, Final

from retailhub.sandbox import credentials
from retailhub.sandbox.catalogue import ITEM, ITEMS, PLACES
from retailhub.sandbox.clock import parse_stamp
from retailhub.sandbox.shop.fields import (
    Info,
    Row,
    inventory_item,
    inventory_level,
    location,
    number_in,
)
from retailhub.sandbox.shop.money import SHOP_CURRENCY
from retailhub.sandbox.shop.paging import connection, matches

_SKU: Final = re.compile(r"sku:\s*['\"]?([\w.-]+)['\"]?")

# What orders are sorted by; the id makes every key unique.
_SORT_KEYS: Final[dict[str, Callable[[Row], Any]]] = {
    "CREATED_AT": lambda order: _moment(order["created_at"]),
    "ID": lambda order: order["id"],
    "ORDER_NUMBER": lambda order: order["order_number"],
    "PROCESSED_AT": lambda order: _moment(order["processed_at"]),
    "UPDATED_AT": lambda order: _moment(order["updated_at"]),
}


def shop(_source: Any, _info: Info) -> Row:
    return {
        "id": "gid://shopify/Shop/71204500",
        "name": credentials.SHOP_NAME,
        "currencyCode": SHOP_CURRENCY,
        "myshopifyDomain": credentials.SHOP_DOMAIN,
        "taxesIncluded": True,
    }


def order(_source: Any, info: Info, **arguments: Any) -> Row | None:
    store = info.context
    number = number_in(arguments["id"], "Order")
    return store.order(number) if number is not None else None


def orders(_source: Any, info: Info, **arguments: Any) -> Row:
    store = info.context
    sort_key = _SORT_KEYS[arguments.get("sortKey") or "PROCESSED_AT"]

    def key(row: Row) -> Any:
        return [sort_key(row), row["id"]]

    search = arguments.get("query") or ""
    found = [row for row in store.orders.values() if matches(row, search)]
    found.sort(key=key, reverse=bool(arguments.get("reverse")))
    return connection(found, arguments.get("first"), arguments.get("after"), key)


def fulfillment_order(_source: Any, info: Info, **arguments: Any) -> Row | None:
    store = info.context
    number = number_in(arguments["id"], "FulfillmentOrder")
    return store.fulfilment_order(number) if number is not None else None


def one_inventory_item(_source: Any, _info: Info, **arguments: Any) -> Row | None:
    number = number_in(arguments["id"], "InventoryItem")
    return inventory_item(number) if number is not None else None


def inventory_items(_source: Any, _info: Info, **arguments: Any) -> Row:
    wanted = _SKU.search(arguments.get("query") or "")
    items = [ITEM[wanted[1]]] if wanted and wanted[1] in ITEM else [] if wanted else list(ITEMS)
    rows = [inventory_item(item.inventory_item_id) for item in items]
    return connection(
        rows, arguments.get("first"), arguments.get("after"), lambda row: row["number"]
    )


def locations(_source: Any, _info: Info, **arguments: Any) -> Row:
    rows = [location(place) for place in PLACES]
    return connection(rows, arguments.get("first"), arguments.get("after"), lambda row: row["id"])


def level_of_item(item: Row, info: Info, **arguments: Any) -> Row | None:
    number = number_in(arguments["locationId"], "Location")
    return None if number is None else inventory_level(item, number, info.context)


def quantities(level: Row, _info: Info, **arguments: Any) -> list[Row]:
    """Only `available` is kept here; what else is asked for is nought."""
    return [
        {
            "name": name,
            "quantity": level["available"] if name == "available" else 0,
            "updatedAt": level["updated_at"],
        }
        for name in arguments["names"]
    ]


def _moment(text: str) -> float:
    return parse_stamp(text).timestamp()
