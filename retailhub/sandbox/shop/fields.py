"""What each GraphQL field shows of a record that is kept in REST's shape."""

import re
from collections.abc import Callable
from datetime import UTC
from typing import Any, Final, TypeAlias

from graphql import GraphQLResolveInfo

from retailhub.sandbox.catalogue import ITEM, PLACE, PLACES, Place
from retailhub.sandbox.clock import parse_stamp
from retailhub.sandbox.shop.money import Till, cents
from retailhub.sandbox.shop.paging import connection
from retailhub.sandbox.shop.store import ShopStore, item_by_inventory_id

Row = dict[str, Any]
Info: TypeAlias = "GraphQLResolveInfo[ShopStore]"
Show = Callable[[Row, ShopStore], Any]

_PLACE_BY_ID: Final = {place.shop_location_id: place for place in PLACES}


def gid(kind: str, number: int | str) -> str:
    return f"gid://shopify/{kind}/{number}"


def number_in(gid_text: str, kind: str) -> int | None:
    """The number in an id of this kind, None for any other text."""
    found = re.fullmatch(rf"gid://shopify/{kind}/(\d+)", gid_text)
    return int(found[1]) if found else None


def resolve(source: Any, info: Info, **arguments: Any) -> Any:
    """The value of a field: by rule, or the record's own entry in snake case."""
    if isinstance(source, dict):
        kind, name = info.parent_type.name, info.field_name
        store = info.context
        if (kind, name) in LISTS:
            rows = LISTS[kind, name](source, store)
            return connection(rows, arguments.get("first"), arguments.get("after"), _row_key)
        if (kind, name) in SHOWN:
            return SHOWN[kind, name](source, store)
        return source.get(name, source.get(_snake(name)))
    return None


def show_moment(value: str) -> str:
    """2026-11-20T13:00:00+01:00 -> 2026-11-20T12:00:00Z, as GraphQL has it."""
    return parse_stamp(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def order_status(order: Row) -> str:
    known = {"partial": "PARTIALLY_FULFILLED", "fulfilled": "FULFILLED", "restocked": "RESTOCKED"}
    return known.get(order["fulfillment_status"] or "", "UNFULFILLED")


def location(place: Place) -> Row:
    return {
        "id": gid("Location", place.shop_location_id),
        "legacyResourceId": place.shop_location_id,
        "name": place.name,
        "isActive": True,
    }


def location_by_id(location_id: int) -> Row | None:
    place = _PLACE_BY_ID.get(location_id)
    return location(place) if place else None


def inventory_item(inventory_item_id: int) -> Row | None:
    item = item_by_inventory_id(inventory_item_id)
    if item is None:
        return None
    return {
        "number": inventory_item_id,
        "id": gid("InventoryItem", inventory_item_id),
        "legacyResourceId": inventory_item_id,
        "sku": item.sku,
        "tracked": True,
    }


def inventory_level(item: Row, location_id: int, store: ShopStore) -> Row | None:
    available = store.available(item["number"], location_id)
    if available is None:
        return None
    return {
        "id": gid("InventoryLevel", f"{location_id}?inventory_item_id={item['number']}"),
        "item": item,
        "location": location_by_id(location_id),
        "available": available,
        "updated_at": store.inventory[f"{item['number']}@{location_id}"]["updated_at"],
    }


def _bag(name: str) -> Show:
    """A money set under its REST name."""
    return lambda row, _store: row[name]


def _computed_bag(sum_cents: Callable[[Row], int]) -> Show:
    """A money set that REST does not have, in the currencies of the line's price."""

    def show(row: Row, _store: ShopStore) -> Any:
        price = row["price_set"]["presentment_money"]["currency_code"]
        return Till(price).money_set(sum_cents(row))

    return show


def _line_discount(line: Row) -> int:
    return sum(cents(entry["amount"]) for entry in line["discount_allocations"])


def _line_total(line: Row) -> int:
    return cents(line["price"]) * int(line["quantity"])


def _variant(line: Row, _store: ShopStore) -> Row | None:
    if not line["variant_id"]:
        return None
    return {
        "id": gid("ProductVariant", line["variant_id"]),
        "legacyResourceId": line["variant_id"],
        "sku": line["sku"],
        "inventoryItem": inventory_item(ITEM[line["sku"]].inventory_item_id),
    }


def _line_of(entry: Row, store: ShopStore) -> Row:
    """The order line that a fulfilment order line is about."""
    order = store.orders[str(entry["_order_id"])]
    line: Row = next(x for x in order["line_items"] if x["id"] == entry["line_item_id"])
    return line


def _fulfilment_order_lines(fulfilment_order: Row, _store: ShopStore) -> list[Row]:
    return [
        {**line, "_order_id": fulfilment_order["order_id"]} for line in fulfilment_order["lines"]
    ]


def _fulfilment_lines(fulfilment: Row, _store: ShopStore) -> list[Row]:
    base = fulfilment["id"] * 8
    return [
        {"id": base + index, "lineItem": line, "quantity": line["quantity"]}
        for index, line in enumerate(fulfilment["line_items"])
    ]


def _tracking(fulfilment: Row, _store: ShopStore) -> list[Row]:
    urls = fulfilment["tracking_urls"] + [None] * len(fulfilment["tracking_numbers"])
    return [
        {"company": fulfilment["tracking_company"], "number": number, "url": url}
        for number, url in zip(fulfilment["tracking_numbers"], urls, strict=False)
    ]


def _assigned_location(fulfilment_order: Row, _store: ShopStore) -> Row:
    place = PLACE[fulfilment_order["place"]]
    return {
        "address1": place.line1,
        "city": place.city,
        "countryCode": place.country_code,
        "location": location(place),
        "name": place.name,
        "zip": place.postal_code,
    }


def _refunded(refund: Row, _store: ShopStore) -> Any:
    entries = refund["refund_line_items"]
    currency = refund["total_duties_set"]["presentment_money"]["currency_code"]
    total = sum(cents(entry["subtotal_set"]["shop_money"]["amount"]) for entry in entries)
    return Till(currency).money_set(total)


def _order_bag(name: str) -> Show:
    """A money set of an order that REST shows without a set."""
    return lambda order, _store: Till(order["presentment_currency"]).money_set(cents(order[name]))


def _row_key(row: Row) -> Any:
    return row["id"]


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)


def _upper(name: str) -> Show:
    return lambda row, _store: row[name].upper() if row[name] else None


def _gid(kind: str) -> Show:
    return lambda row, _store: gid(kind, row["id"])


def _legacy(row: Row, _store: ShopStore) -> Any:
    return row["id"]


LISTS: Final[dict[tuple[str, str], Callable[[Row, ShopStore], list[Row]]]] = {
    ("Order", "lineItems"): lambda order, _: order["line_items"],
    ("Order", "shippingLines"): lambda order, _: order["shipping_lines"],
    ("Order", "fulfillmentOrders"): lambda order, store: store.fulfilment_orders_of(order),
    ("FulfillmentOrder", "lineItems"): _fulfilment_order_lines,
    ("Fulfillment", "fulfillmentLineItems"): _fulfilment_lines,
    ("Refund", "refundLineItems"): lambda refund, _: refund["refund_line_items"],
    ("InventoryItem", "inventoryLevels"): lambda item, store: [
        level for p in PLACES if (level := inventory_level(item, p.shop_location_id, store))
    ],
}

SHOWN: Final[dict[tuple[str, str], Show]] = {
    ("Order", "id"): _gid("Order"),
    ("Order", "legacyResourceId"): _legacy,
    ("Order", "currencyCode"): lambda order, _: order["currency"],
    ("Order", "presentmentCurrencyCode"): lambda order, _: order["presentment_currency"],
    ("Order", "displayFinancialStatus"): _upper("financial_status"),
    ("Order", "displayFulfillmentStatus"): lambda order, _: order_status(order),
    ("Order", "cancelReason"): _upper("cancel_reason"),
    ("Order", "closed"): lambda order, _: order["closed_at"] is not None,
    ("Order", "email"): lambda order, _: order["email"] or None,
    ("Order", "discountCodes"): lambda order, _: [code["code"] for code in order["discount_codes"]],
    ("Order", "tags"): lambda order, _: [tag for tag in order["tags"].split(", ") if tag],
    ("Order", "requiresShipping"): lambda order, _: bool(order["shipping_lines"]),
    ("Order", "shippingLine"): lambda order, _: next(iter(order["shipping_lines"]), None),
    ("Order", "totalOutstandingSet"): _order_bag("total_outstanding"),
    ("Order", "totalTipReceivedSet"): _order_bag("total_tip_received"),
    ("Order", "unpaid"): lambda order, _: order["financial_status"] == "pending",
    ("Customer", "id"): _gid("Customer"),
    ("Customer", "legacyResourceId"): _legacy,
    ("Customer", "displayName"): lambda who, _: f"{who['first_name']} {who['last_name']}",
    ("MailingAddress", "countryCodeV2"): lambda address, _: address["country_code"],
    ("LineItem", "id"): _gid("LineItem"),
    ("LineItem", "isGiftCard"): lambda line, _: line["gift_card"],
    ("LineItem", "customAttributes"): lambda line, _: line["properties"],
    ("LineItem", "originalUnitPriceSet"): _bag("price_set"),
    ("LineItem", "discountedUnitPriceSet"): _bag("price_set"),
    ("LineItem", "originalTotalSet"): _computed_bag(_line_total),
    ("LineItem", "discountedTotalSet"): _computed_bag(
        lambda line: _line_total(line) - _line_discount(line)
    ),
    ("LineItem", "totalDiscountSet"): _computed_bag(_line_discount),
    ("LineItem", "unfulfilledQuantity"): lambda line, _: line["fulfillable_quantity"],
    ("LineItem", "refundableQuantity"): lambda line, _: line["current_quantity"],
    ("LineItem", "nonFulfillableQuantity"): lambda line, _: (
        0 if line["requires_shipping"] else line["quantity"]
    ),
    ("LineItem", "variant"): _variant,
    ("LineItem", "product"): lambda line, _: (
        {"id": gid("Product", line["product_id"]), "legacyResourceId": line["product_id"]}
        if line["product_id"]
        else None
    ),
    ("DiscountAllocation", "allocatedAmountSet"): _bag("amount_set"),
    ("TaxLine", "ratePercentage"): lambda tax, _: round(tax["rate"] * 100, 4),
    ("ShippingLine", "id"): _gid("ShippingLine"),
    ("ShippingLine", "custom"): lambda _line, _: False,
    ("ShippingLine", "originalPriceSet"): _bag("price_set"),
    ("Fulfillment", "id"): _gid("Fulfillment"),
    ("Fulfillment", "legacyResourceId"): _legacy,
    ("Fulfillment", "status"): _upper("status"),
    ("Fulfillment", "displayStatus"): lambda _fulfilment, _: "FULFILLED",
    ("Fulfillment", "location"): lambda row, _: location_by_id(row["location_id"]),
    ("Fulfillment", "totalQuantity"): lambda row, _: sum(
        line["quantity"] for line in row["line_items"]
    ),
    ("Fulfillment", "trackingInfo"): _tracking,
    ("FulfillmentLineItem", "id"): _gid("FulfillmentLineItem"),
    ("FulfillmentOrder", "id"): _gid("FulfillmentOrder"),
    ("FulfillmentOrder", "assignedLocation"): _assigned_location,
    ("FulfillmentOrder", "order"): lambda row, store: store.order(row["order_id"]),
    ("FulfillmentOrder", "orderId"): lambda row, _: gid("Order", row["order_id"]),
    ("FulfillmentOrder", "orderName"): lambda row, store: store.orders[str(row["order_id"])][
        "name"
    ],
    ("FulfillmentOrderLineItem", "id"): _gid("FulfillmentOrderLineItem"),
    ("FulfillmentOrderLineItem", "inventoryItemId"): lambda row, _: gid(
        "InventoryItem", row["inventory_item_id"]
    ),
    ("FulfillmentOrderLineItem", "lineItem"): _line_of,
    ("FulfillmentOrderLineItem", "productTitle"): lambda row, _: row["title"],
    ("FulfillmentOrderLineItem", "remainingQuantity"): lambda row, _: row["remaining"],
    ("FulfillmentOrderLineItem", "totalQuantity"): lambda row, _: row["total"],
    ("FulfillmentOrderLineItem", "requiresShipping"): lambda _row, _: True,
    ("Refund", "id"): _gid("Refund"),
    ("Refund", "legacyResourceId"): _legacy,
    ("Refund", "totalRefundedSet"): _refunded,
    ("RefundLineItem", "id"): _gid("RefundLineItem"),
    ("RefundLineItem", "restockType"): _upper("restock_type"),
    ("RefundLineItem", "restocked"): lambda row, _: row["restock_type"] != "no_restock",
}
