"""The writing half of the Admin API."""

import hashlib
import json
import uuid
from typing import Any, Final

from graphql import GraphQLError, get_directive_values

from retailhub.sandbox.clock import shop_stamp
from retailhub.sandbox.shop.fields import Info, Row, gid, inventory_item, location_by_id, number_in
from retailhub.sandbox.shop.fulfilment import Part, ShopRefusal, Tracking, part_to_ship
from retailhub.sandbox.shop.store import ShopStore

_MAX_QUANTITY: Final = 1_000_000_000
_REASONS: Final = frozenset(
    {
        "correction",
        "cycle_count_available",
        "damaged",
        "movement_canceled",
        "movement_created",
        "movement_received",
        "movement_updated",
        "other",
        "promotion",
        "quality_control",
        "received",
        "reservation_created",
        "reservation_deleted",
        "reservation_updated",
        "restock",
        "safety_stock",
        "shrinkage",
    }
)


def fulfillment_create(_source: Any, info: Info, **arguments: Any) -> Row:
    """Ship what is asked. Asked twice, it ships twice, as long as something is left."""
    store = info.context
    asked = arguments["fulfillment"]
    try:
        parts = [_part(store, entry) for entry in asked["lineItemsByFulfillmentOrder"]]
        order = _common_order(store, parts)
        fulfilment = store.fulfil(order, parts, _tracking(asked.get("trackingInfo") or {}))
    except ShopRefusal as refusal:
        return {"fulfillment": None, "userErrors": [_user_error(refusal)]}
    return {"fulfillment": fulfilment, "userErrors": []}


def order_cancel(_source: Any, info: Info, **arguments: Any) -> Row:
    store = info.context
    number = number_in(arguments["orderId"], "Order")
    order = store.order(number) if number is not None else None
    if order is None:
        missing = ShopRefusal("Order does not exist.", ["orderId"], "NOT_FOUND")
        return {"job": None, "orderCancelUserErrors": [_user_error(missing)]}
    try:
        store.cancel(order, arguments["reason"])
    except ShopRefusal as refusal:
        return {"job": None, "orderCancelUserErrors": [_user_error(refusal)]}
    return {
        "job": {"id": gid("Job", str(uuid.uuid4())), "done": True},
        "orderCancelUserErrors": [],
    }


def inventory_set_quantities(_source: Any, info: Info, **arguments: Any) -> Row:
    """Set quantities once per idempotency key; since 2026-04 no key means no service."""
    store = info.context
    key, asked = _idempotency_key(info), arguments["input"]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    known = store.journal.table("idempotency").get(key)
    if known and known["digest"] != digest:
        message = "The idempotency key was used with different parameters."
        mismatch = ShopRefusal(message, code="IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
        return {"inventoryAdjustmentGroup": None, "userErrors": [_user_error(mismatch)]}
    if known:
        return dict(known["answer"])
    try:
        _check_quantities(store, asked)
    except ShopRefusal as refusal:
        # A refusal changed nothing, so the key stays free for a corrected request.
        return {"inventoryAdjustmentGroup": None, "userErrors": [_user_error(refusal)]}
    answer = {"inventoryAdjustmentGroup": _set_quantities(store, asked, key), "userErrors": []}
    store.journal.put("idempotency", key, {"digest": digest, "answer": answer})
    return answer


def _idempotency_key(info: Info) -> str:
    directive = info.schema.get_directive("idempotent")
    assert directive is not None  # noqa: S101  it is in our own SDL
    for node in info.field_nodes:
        values = get_directive_values(directive, node, info.variable_values)
        if values and values["key"]:
            return str(values["key"])
    message = "The @idempotent directive is required for this mutation but was not provided."
    raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def _part(store: ShopStore, entry: Row) -> Part:
    number = number_in(entry["fulfillmentOrderId"], "FulfillmentOrder")
    found = store.fulfilment_order(number) if number is not None else None
    if found is None:
        raise ShopRefusal("Fulfillment order does not exist.", ["fulfillment"])
    return part_to_ship(found, entry.get("fulfillmentOrderLineItems"))


def _common_order(store: ShopStore, parts: list[Part]) -> Row:
    order_ids = {fulfilment_order["order_id"] for fulfilment_order, _wanted in parts}
    if not order_ids:
        raise ShopRefusal("No fulfillment order was named.", ["fulfillment"])
    if len(order_ids) > 1:
        raise ShopRefusal("All fulfillment orders must belong to one order.", ["fulfillment"])
    return store.orders[str(order_ids.pop())]


def _tracking(asked: Row) -> Tracking:
    numbers = asked.get("numbers") or ([asked["number"]] if asked.get("number") else [])
    urls = asked.get("urls") or ([asked["url"]] if asked.get("url") else [])
    return Tracking(asked.get("company"), list(numbers), list(urls))


def _check_quantities(store: ShopStore, asked: Row) -> None:
    if asked["name"] not in ("available", "on_hand"):
        raise ShopRefusal("The quantity name is invalid.", ["input", "name"], "INVALID_NAME")
    if asked["reason"] not in _REASONS:
        raise ShopRefusal("The reason is invalid.", ["input", "reason"], "INVALID_REASON")
    seen = [(entry["inventoryItemId"], entry["locationId"]) for entry in asked["quantities"]]
    if len(set(seen)) < len(seen):
        message = "The combination of inventory item and location must be unique."
        code = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
        raise ShopRefusal(message, ["input", "quantities"], code)
    for index, entry in enumerate(asked["quantities"]):
        _check_quantity(store, entry, ["input", "quantities", str(index)])


def _check_quantity(store: ShopStore, entry: Row, path: list[str]) -> None:
    item_id, location_id = _ids(entry)
    if item_id is None or inventory_item(item_id) is None:
        message = "The specified inventory item could not be found."
        raise ShopRefusal(message, [*path, "inventoryItemId"], "INVALID_INVENTORY_ITEM")
    available = None if location_id is None else store.available(item_id, location_id)
    if available is None:
        message = "The specified location could not be found."
        raise ShopRefusal(message, [*path, "locationId"], "INVALID_LOCATION")
    if abs(entry["quantity"]) > _MAX_QUANTITY:
        message = "The quantity is too high or too low."
        raise ShopRefusal(message, [*path, "quantity"], "INVALID_QUANTITY_TOO_HIGH")
    expected = entry.get("changeFromQuantity")
    if expected is not None and expected != available:
        message = "The changeFromQuantity value does not match the persisted value."
        raise ShopRefusal(message, [*path, "changeFromQuantity"], "CHANGE_FROM_QUANTITY_STALE")


def _set_quantities(store: ShopStore, asked: Row, key: str) -> Row:
    changes = [_set_quantity(store, entry, asked["name"], key) for entry in asked["quantities"]]
    return {
        "id": gid("InventoryAdjustmentGroup", str(uuid.uuid4().int % 10**12)),
        "createdAt": shop_stamp(),
        "reason": asked["reason"],
        "referenceDocumentUri": asked.get("referenceDocumentUri"),
        "changes": changes,
    }


def _set_quantity(store: ShopStore, entry: Row, name: str, key: str) -> Row:
    item_id, location_id = _ids(entry)
    assert item_id is not None  # noqa: S101  checked before anything was changed
    assert location_id is not None  # noqa: S101
    before = store.available(item_id, location_id) or 0
    store.set_available(item_id, location_id, entry["quantity"], key)
    return {
        "name": name,
        "delta": entry["quantity"] - before,
        "quantityAfterChange": entry["quantity"],
        "item": inventory_item(item_id),
        "location": location_by_id(location_id),
    }


def _ids(entry: Row) -> tuple[int | None, int | None]:
    return (
        number_in(entry["inventoryItemId"], "InventoryItem"),
        number_in(entry["locationId"], "Location"),
    )


def _user_error(refusal: ShopRefusal) -> Row:
    return {"code": refusal.code, "field": refusal.field, "message": refusal.message}
