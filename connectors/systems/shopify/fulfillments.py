"""The channel hears that a parcel left: a fulfilment with its tracking.

`fulfillmentCreate` takes no idempotency key and a second call makes a second fulfilment, so an
unknown outcome is looked up among the order's fulfilments, by our reference or tracking number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.systems.base import Intent, Receipt
from connectors.systems.http import RemoteRejected
from connectors.systems.shopify.client import Shop

ORDER_QUERY = """
query FulfillmentsOfOrder($id: ID!) {
  order(id: $id) {
    id
    fulfillments(first: 250) { id status trackingInfo(first: 10) { number url company } }
    fulfillmentOrders(first: 50) {
      nodes { id status lineItems(first: 250) { nodes { id remainingQuantity lineItem { id } } } }
    }
  }
}
"""
CREATE = """
mutation Ship($fulfillment: FulfillmentInput!, $message: String) {
  fulfillmentCreate(fulfillment: $fulfillment, message: $message) {
    fulfillment { id status }
    userErrors { field message }
  }
}
"""
# Only these can still be fulfilled; https://shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentOrderStatus
FULFILLABLE = frozenset({"OPEN", "IN_PROGRESS"})
GONE = frozenset({"CANCELLED", "ERROR", "FAILURE"})


def send(shop: Shop, intent: Intent) -> Receipt:
    """Create the fulfilment. Refuses when fewer units are left to fulfil than were shipped."""
    payload = intent.payload
    order = _order(shop, payload)
    request = {
        "fulfillment": {
            "lineItemsByFulfillmentOrder": place_lines(order, payload),
            "trackingInfo": tracking_info(payload),
            "notifyCustomer": bool(payload.get("notify_customer")),
        },
        "message": payload["reference"],
    }
    result = shop.mutate(CREATE, request, field="fulfillmentCreate")
    fulfillment = result.get("fulfillment") or {}
    return Receipt(external_id=str(fulfillment.get("id", "")), request=request, response=result)


def look_up(shop: Shop, intent: Intent) -> Receipt | None:
    """The fulfilment that carries this parcel's tracking, if the shop has one."""
    found = find_parcel(_order(shop, intent.payload), intent.payload)
    return (
        Receipt(external_id=found["id"], detail="found in the shop", response=found)
        if found
        else None
    )


def find_parcel(order: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The live fulfilment with the tracking number or link that we would send."""
    ours = tracking_info(payload)
    for fulfillment in order.get("fulfillments") or []:
        if fulfillment.get("status") in GONE:
            continue
        for tracking in fulfillment.get("trackingInfo") or []:
            if tracking.get("number") == ours["number"]:
                return dict(fulfillment)
    return None


def tracking_info(payload: Mapping[str, Any]) -> dict[str, str]:
    """Carrier, number and link. A parcel without a number carries our reference, to be found by."""
    tracking = payload.get("tracking") or {}
    info = {
        "company": tracking.get("carrier") or "",
        "number": tracking.get("number") or payload["reference"],
        "url": tracking.get("url") or "",
    }
    return {name: value for name, value in info.items() if value}


def place_lines(order: Mapping[str, Any], payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Our shipped units spread over the shop's fulfilment orders, at most what remains there."""
    wanted = {
        gid("LineItem", line["external_id"]): int(line["quantity"]) for line in payload["lines"]
    }
    placed = []
    for fulfillment_order in (order.get("fulfillmentOrders") or {}).get("nodes") or []:
        if fulfillment_order.get("status") not in FULFILLABLE:
            continue
        if lines := _take(fulfillment_order, wanted):
            placed.append(
                {"fulfillmentOrderId": fulfillment_order["id"], "fulfillmentOrderLineItems": lines}
            )
    missing = {line: quantity for line, quantity in wanted.items() if quantity}
    if missing:
        skus = {gid("LineItem", line["external_id"]): line.get("sku") for line in payload["lines"]}
        named = ", ".join(f"{n} × {skus[line] or 'a line'}" for line, n in missing.items())
        raise RemoteRejected(
            f"Shopify has nothing left to fulfil for {named}.",
            missing=missing,
            order=order.get("id"),
        )
    return placed


def _take(fulfillment_order: Mapping[str, Any], wanted: dict[str, int]) -> list[dict[str, Any]]:
    lines = []
    for line in (fulfillment_order.get("lineItems") or {}).get("nodes") or []:
        name = (line.get("lineItem") or {}).get("id", "")
        quantity = min(wanted.get(name, 0), int(line.get("remainingQuantity") or 0))
        if quantity > 0:
            wanted[name] -= quantity
            lines.append({"id": line["id"], "quantity": quantity})
    return lines


def _order(shop: Shop, payload: Mapping[str, Any]) -> dict[str, Any]:
    order_id = gid("Order", payload["order_external_id"])
    order = shop.query(ORDER_QUERY, {"id": order_id}).get("order")
    if not isinstance(order, dict):
        raise RemoteRejected(f"Shopify has no order {payload['order_external_id']}.")
    return order


def gid(kind: str, external_id: Any) -> str:
    """Shopify's global id: `gid://shopify/Order/123`, also from one that is global already."""
    text = str(external_id)
    return text if text.startswith("gid://") else f"gid://shopify/{kind}/{text}"
