"""The shop's API answers as Shopify's does."""

import asyncio
from typing import Any

import pytest

from retailhub.sandbox.catalogue import ITEM, PLACE
from retailhub.sandbox.shop.system import API, GRAPHQL_PATH, Shop
from tests.sandbox.estate import Running

pytestmark = pytest.mark.asyncio

FULFIL = """mutation Ship($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status trackingInfo { number company } }
    userErrors { field message }
  }
}"""
SET_STOCK = """mutation Set($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { changes { delta quantityAfterChange } }
    userErrors { code message }
  }
}"""
PAGE = """query Changed($after: String, $search: String) {
  orders(first: 4, after: $after, sortKey: UPDATED_AT, query: $search) {
    nodes { id } pageInfo { hasNextPage endCursor }
  }
}"""


async def place(shop: Running, **asked: Any) -> dict[str, Any]:
    asked = {"count": 1, "seed": 1, "sku": "MUG-BLUE", "quantity": 2, "topics": [], **asked}
    order: dict[str, Any] = (await shop.control("/orders", **asked))["orders"][0]
    return order


async def fulfilment_order(shop: Running, order: dict[str, Any]) -> dict[str, Any]:
    query = """query($id: ID!) { order(id: $id) { displayFulfillmentStatus
      fulfillments { id trackingInfo { number } }
      fulfillmentOrders(first: 5) { nodes { id status
        lineItems(first: 10) { nodes { id remainingQuantity } } } } } }"""
    answer = await shop.graphql(query, id=f"gid://shopify/Order/{order['id']}")
    found: dict[str, Any] = answer["data"]["order"]
    return found


async def ship(shop: Running, order: dict[str, Any], quantity: int | None) -> Any:
    node = (await fulfilment_order(shop, order))["fulfillmentOrders"]["nodes"][0]
    part: dict[str, Any] = {"fulfillmentOrderId": node["id"]}
    if quantity:
        line = node["lineItems"]["nodes"][0]["id"]
        part["fulfillmentOrderLineItems"] = [{"id": line, "quantity": quantity}]
    tracking = {"number": "JD01", "company": "DHL"}
    fulfilment = {"lineItemsByFulfillmentOrder": [part], "trackingInfo": tracking}
    return (await shop.graphql(FULFIL, fulfillment=fulfilment))["data"]["fulfillmentCreate"]


def stock_input(quantity: int, expected: int | None) -> dict[str, Any]:
    item, place_ = ITEM["MUG-BLUE"].inventory_item_id, PLACE["BERLIN"].shop_location_id
    entry = {
        "inventoryItemId": f"gid://shopify/InventoryItem/{item}",
        "locationId": f"gid://shopify/Location/{place_}",
        "quantity": quantity,
        "changeFromQuantity": expected,
    }
    return {"name": "available", "reason": "correction", "quantities": [entry]}


async def test_a_wrong_token_is_401_in_shopifys_words(shop: Running) -> None:
    headers = {"X-Shopify-Access-Token": "wrong"}

    answer = await shop.client.post(GRAPHQL_PATH, json={"query": "{shop{name}}"}, headers=headers)

    assert answer.status_code == 401
    assert answer.json()["errors"].startswith("[API] Invalid API key or access token")


async def test_answers_only_what_was_selected_under_its_alias(shop: Running) -> None:
    answer = await shop.graphql("{ mine: shop { currencyCode } }")

    assert answer["data"] == {"mine": {"currencyCode": "EUR"}}
    cost = answer["extensions"]["cost"]
    assert cost["actualQueryCost"] <= cost["requestedQueryCost"]
    assert set(cost["throttleStatus"]) == {"maximumAvailable", "currentlyAvailable", "restoreRate"}


async def test_an_unknown_field_is_an_error_with_http_200(shop: Running) -> None:
    body = {"query": "{ shop { colour } }"}

    answer = await shop.client.post(GRAPHQL_PATH, json=body)

    assert answer.status_code == 200
    error = answer.json()["errors"][0]
    assert error["message"] == "Field 'colour' doesn't exist on type 'Shop'"
    assert error["extensions"]["code"] == "undefinedField"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query": 7}', b'{"variables": {}}'])
async def test_a_senseless_body_is_400(shop: Running, body: bytes) -> None:
    assert (await shop.client.post(GRAPHQL_PATH, content=body)).status_code == 400


async def test_an_empty_bucket_is_throttled_with_http_200_and_fills_again(shop: Running) -> None:
    await shop.set("/limits", maximum_available=12, restore_rate=0.01)
    query = "{ locations(first: 2) { nodes { id name } } }"

    answers = [await shop.graphql(query) for _ in range(30)]

    assert "data" in answers[0]
    throttled = answers[-1]
    assert throttled["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert throttled["extensions"]["cost"]["actualQueryCost"] is None
    assert "data" not in throttled
    assert isinstance(shop.system, Shop)
    shop.system.engine.bucket.per_second = 10_000
    await asyncio.sleep(0.01)
    assert "data" in await shop.graphql(query)


async def test_too_dear_a_query_is_refused_whatever_is_in_the_bucket(shop: Running) -> None:
    lines = "lineItems(first: 250) { nodes { product { id } variant { inventoryItem { id } } } }"

    answer = await shop.graphql(f"{{ orders(first: 250) {{ nodes {{ id {lines} }} }} }}")

    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


async def test_pages_through_everything_that_changed_without_gap_or_overlap(shop: Running) -> None:
    placed = (await shop.control("/orders", count=11, seed=3, topics=[]))["orders"]
    search, after, seen = "updated_at:>='2020-01-01T00:00:00Z'", None, []

    while True:
        page = (await shop.graphql(PAGE, after=after, search=search))["data"]["orders"]
        seen += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]

    assert sorted(seen) == sorted(f"gid://shopify/Order/{order['id']}" for order in placed)
    later = await shop.graphql(PAGE, search="updated_at:>2999-01-01T00:00:00Z")
    assert later["data"]["orders"]["nodes"] == []


async def test_shipping_is_not_idempotent_until_nothing_is_left(shop: Running) -> None:
    order = await place(shop)

    first, second, third = [await ship(shop, order, 1) for _ in range(3)]

    assert first["fulfillment"]["trackingInfo"] == [{"number": "JD01", "company": "DHL"}]
    assert second["fulfillment"]["id"] != first["fulfillment"]["id"]
    assert third["fulfillment"] is None
    assert "unfulfillable status= closed" in third["userErrors"][0]["message"]
    assert shop.ledger.count_by_reference("fulfillment.created") == {str(order["id"]): 2}
    seen = await fulfilment_order(shop, order)
    assert seen["displayFulfillmentStatus"] == "FULFILLED"
    assert len(seen["fulfillments"]) == 2


async def test_never_ships_more_than_remains(shop: Running) -> None:
    order = await place(shop)

    answer = await ship(shop, order, 3)

    assert answer["userErrors"][0]["message"].startswith("Invalid fulfillment order line item")
    assert shop.ledger.of_kind("fulfillment.created") == []


async def test_setting_stock_needs_the_idempotent_directive(shop: Running) -> None:
    bare = SET_STOCK.replace("@idempotent(key: $key)", "").replace(", $key: String!", "")

    answer = await shop.graphql(bare, input=stock_input(5, None))

    assert answer["data"]["inventorySetQuantities"] is None
    assert "@idempotent directive is required" in answer["errors"][0]["message"]
    assert shop.ledger.of_kind("inventory.set") == []


async def test_the_same_key_sets_stock_once_and_other_parameters_are_a_mismatch(
    shop: Running,
) -> None:
    async def set_stock(quantity: int, key: str, expected: int | None = None) -> Any:
        answer = await shop.graphql(SET_STOCK, input=stock_input(quantity, expected), key=key)
        return answer["data"]["inventorySetQuantities"]

    first, again = await set_stock(7, "key-1"), await set_stock(7, "key-1")
    other, stale = await set_stock(8, "key-1"), await set_stock(9, "key-2", expected=6)

    assert again == first
    assert first["inventoryAdjustmentGroup"]["changes"][0]["quantityAfterChange"] == 7
    assert other["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    assert stale["userErrors"][0]["code"] == "CHANGE_FROM_QUANTITY_STALE"
    assert [line.key for line in shop.ledger.of_kind("inventory.set")] == ["key-1"]


async def test_an_order_takes_its_stock_and_cancelling_gives_it_back(shop: Running) -> None:
    item = ITEM["MUG-BLUE"].inventory_item_id
    query = """query($id: ID!, $place: ID!) { inventoryItem(id: $id) {
      inventoryLevel(locationId: $place) { quantities(names: ["available"]) { quantity } } } }"""
    ids = {
        "id": f"gid://shopify/InventoryItem/{item}",
        "place": f"gid://shopify/Location/{PLACE['BERLIN'].shop_location_id}",
    }

    async def available() -> int:
        level = (await shop.graphql(query, **ids))["data"]["inventoryItem"]["inventoryLevel"]
        quantity: int = level["quantities"][0]["quantity"]
        return quantity

    before = await available()
    order = await place(shop, quantity=3)
    during = await available()
    cancel = """mutation($id: ID!) { orderCancel(orderId: $id, reason: CUSTOMER, restock: true) {
      job { done } orderCancelUserErrors { code } } }"""
    answers = [
        await shop.graphql(cancel, id=f"gid://shopify/Order/{order['id']}") for _ in range(2)
    ]

    assert (during, await available()) == (before - 3, before)
    assert answers[0]["data"]["orderCancel"]["orderCancelUserErrors"] == []
    assert answers[1]["data"]["orderCancel"]["orderCancelUserErrors"] == [{"code": "INVALID"}]


async def test_rest_shows_the_webhooks_body_and_pages_by_link(shop: Running) -> None:
    placed = (await shop.control("/orders", count=5, seed=4, topics=[]))["orders"]
    filters = {"status": "any", "limit": "2", "updated_at_min": "2020-01-01T00:00:00Z"}

    answer = await shop.client.get(f"{API}/orders.json", params=filters)
    seen = [order["id"] for order in answer.json()["orders"]]
    while "next" in answer.links:
        answer = await shop.client.get(answer.links["next"]["url"])
        seen += [order["id"] for order in answer.json()["orders"]]

    assert sorted(seen) == sorted(order["id"] for order in placed)
    assert answer.headers["X-Shopify-Shop-Api-Call-Limit"].endswith("/40")
    one = await shop.client.get(f"{API}/orders/{placed[0]['id']}.json")
    assert one.json()["order"]["total_price"] == placed[0]["total_price"]


async def test_rest_has_a_leaky_bucket(shop: Running) -> None:
    await shop.set("/limits", rest_bucket=3, rest_restore_rate=0.001)

    answers = [await shop.client.get(f"{API}/orders.json?status=any") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["Retry-After"] == "2.0"
