"""Fulfilment orders and what is shipped on them. Asked twice, it ships twice, as in life."""

from dataclasses import dataclass, field
from typing import Any, Final

from retailhub.sandbox.catalogue import ITEM, PLACE
from retailhub.sandbox.clock import shop_stamp
from retailhub.sandbox.shop.orders import Order

FulfilmentOrder = dict[str, Any]

_ORDER_BASE: Final = 6_810_000_000_000
_LINE_BASE: Final = 14_200_000_000_000
_SHIPPABLE: Final = frozenset({"OPEN", "IN_PROGRESS"})


@dataclass
class ShopRefusal(Exception):
    """A user error: the request was understood, and the answer is no."""

    message: str
    field: list[str] | None = None
    code: str | None = None


@dataclass(frozen=True)
class Tracking:
    company: str | None = None
    numbers: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        return {
            "tracking_company": self.company,
            "tracking_number": self.numbers[0] if self.numbers else None,
            "tracking_numbers": self.numbers,
            "tracking_url": self.urls[0] if self.urls else None,
            "tracking_urls": self.urls,
        }


# A fulfilment order with the quantity to ship of each of its lines, by line id.
Part = tuple[FulfilmentOrder, dict[int, int]]


def new_fulfilment_order(order: Order) -> FulfilmentOrder | None:
    """What the shop asks its first warehouse to ship, or None when nothing needs shipping."""
    number = order["number"]
    lines = [
        {
            "id": _LINE_BASE + number * 64 + index,
            "line_item_id": line["id"],
            "sku": line["sku"],
            "title": line["title"],
            "inventory_item_id": ITEM[line["sku"]].inventory_item_id,
            "total": line["quantity"],
            "remaining": line["quantity"],
        }
        for index, line in enumerate(order["line_items"])
        if line["requires_shipping"]
    ]
    if not lines:
        return None
    stamp = shop_stamp()
    return {
        "id": _ORDER_BASE + number,
        "order_id": order["id"],
        "place": "BERLIN",
        "status": "OPEN",
        "request_status": "UNSUBMITTED",
        "lines": lines,
        "created_at": stamp,
        "updated_at": stamp,
    }


def part_to_ship(fulfilment_order: FulfilmentOrder, named: list[dict[str, Any]] | None) -> Part:
    """Check what a caller wants shipped; naming no lines means all that is left."""
    if fulfilment_order["status"] not in _SHIPPABLE:
        status = fulfilment_order["status"].lower()
        raise ShopRefusal(
            f"Fulfillment order {fulfilment_order['id']} has an unfulfillable status= {status}.",
            ["fulfillment"],
        )
    lines = {line["id"]: line for line in fulfilment_order["lines"]}
    if not named:
        return fulfilment_order, {key: line["remaining"] for key, line in lines.items()}
    wanted: dict[int, int] = {}
    for entry in named:
        line_id = int(str(entry["id"]).rsplit("/", 1)[-1])
        if line_id not in lines:
            raise ShopRefusal("Fulfillment order line item does not exist.", ["fulfillment"])
        wanted[line_id] = wanted.get(line_id, 0) + int(entry["quantity"])
    if any(not 0 < count <= lines[key]["remaining"] for key, count in wanted.items()):
        message = "Invalid fulfillment order line item quantity requested."
        raise ShopRefusal(message, ["fulfillment"])
    return fulfilment_order, wanted


def ship_parts(order: Order, parts: list[Part], tracking: Tracking) -> dict[str, Any]:
    """Book the parts as shipped and return the fulfilment in REST shape."""
    shipped: dict[int, int] = {}
    for fulfilment_order, wanted in parts:
        for line in fulfilment_order["lines"]:
            quantity = wanted.get(line["id"], 0)
            line["remaining"] -= quantity
            if quantity:
                shipped[line["line_item_id"]] = quantity
        is_done = not any(line["remaining"] for line in fulfilment_order["lines"])
        fulfilment_order["status"] = "CLOSED" if is_done else "IN_PROGRESS"
        fulfilment_order["updated_at"] = shop_stamp()
    for line in order["line_items"]:
        line["fulfillable_quantity"] -= shipped.get(line["id"], 0)
        if line["id"] in shipped:
            line["fulfillment_status"] = "partial" if line["fulfillable_quantity"] else "fulfilled"
    fulfilment = _fulfilment(order, parts[0][0]["place"], shipped, tracking)
    order["fulfillments"].append(fulfilment)
    settle_status(order)
    return fulfilment


def settle_status(order: Order) -> None:
    """null, partial or fulfilled, from what is left to ship."""
    lines = [line for line in order["line_items"] if line["requires_shipping"]]
    if all(line["fulfillable_quantity"] == 0 for line in lines) and order["fulfillments"]:
        order["fulfillment_status"] = "fulfilled"
    elif order["fulfillments"]:
        order["fulfillment_status"] = "partial"


def close_fulfilment_order(fulfilment_order: FulfilmentOrder) -> None:
    """Nothing more will be shipped on it."""
    was_started = any(line["remaining"] < line["total"] for line in fulfilment_order["lines"])
    fulfilment_order["status"] = "CLOSED" if was_started else "CANCELLED"
    fulfilment_order["updated_at"] = shop_stamp()
    for line in fulfilment_order["lines"]:
        line["remaining"] = 0


def _fulfilment(
    order: Order, place_code: str, shipped: dict[int, int], tracking: Tracking
) -> dict[str, Any]:
    count = len(order["fulfillments"]) + 1
    fulfilment_id = 5_620_000_000_000 + order["number"] * 32 + count
    stamp = shop_stamp()
    return {
        "id": fulfilment_id,
        "admin_graphql_api_id": f"gid://shopify/Fulfillment/{fulfilment_id}",
        "order_id": order["id"],
        "status": "success",
        "created_at": stamp,
        "service": "manual",
        "updated_at": stamp,
        "shipment_status": None,
        "location_id": PLACE[place_code].shop_location_id,
        "origin_address": None,
        "email": order["email"],
        "destination": order["shipping_address"],
        "line_items": [
            {**line, "quantity": shipped[line["id"]]}
            for line in order["line_items"]
            if line["id"] in shipped
        ],
        **tracking.shown(),
        "receipt": {},
        "name": f"{order['name']}.{count}",
    }
