"""The shop hears of stock as often as one likes, and never sets an old number."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.systems.base import Account, IntentKind
from connectors.systems.http import HttpClient, RemoteRejected, RemoteUnavailable
from connectors.systems.shopify import Shopify
from connectors.systems.shopify.stock import idempotency_key
from tests.connectors.systems.conftest import MakeIntent
from tests.connectors.systems.remote import Remote, Scripted

STOCK: dict[str, Any] = {
    "reference": "pub-1",
    "entries": [
        {
            "publication": 1, "sku": "MUG-BLUE", "location": "BERLIN", "quantity": 5,
            "change_from": 7,
        },
        {
            "publication": 2, "sku": "TEA", "location": "BERLIN", "quantity": 0,
            "change_from": None,
        },
    ],
}  # fmt: skip


CODES = {("LOCATION", "BERLIN"): "71204500311", ("SKU", "TEA"): "TEAPOT-1L"}


def gid(kind: str, number: object) -> str:
    return f"gid://shopify/{kind}/{number}"


def items(*rows: tuple[str, int], level: int | None = None) -> Scripted:
    data = {}
    for place, (sku, number) in enumerate(rows):
        node: dict[str, Any] = {"id": gid("InventoryItem", number), "sku": sku}
        if level is not None:
            node["level0"] = {"quantities": [{"quantity": level}]}
        data[f"sku{place}"] = {"nodes": [node, node | {"id": "other", "sku": sku + "-XL"}]}
    return Scripted(200, {"data": data})


def test_sets_stock_under_a_key_that_never_changes(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    group = {"inventoryAdjustmentGroup": {"id": gid("Group", 1)}, "userErrors": []}
    remote.will_answer(
        items(("MUG-BLUE", 1), ("TEAPOT-1L", 7)),
        Scripted(200, {"data": {"inventorySetQuantities": group}}),
    )
    asked = intent(IntentKind.PUBLISH_STOCK, STOCK, CODES)

    receipt = Shopify().send(http, account, asked)

    assert receipt.external_id == gid("Group", 1)
    assert remote.asked[0].json["variables"] == {
        "term0": 'sku:"MUG-BLUE"',
        "term1": 'sku:"TEAPOT-1L"',
    }
    sent = remote.asked[1].json
    assert "@idempotent(key: $key)" in sent["query"]
    quantities = sent["variables"]["input"]["quantities"]
    assert sent["variables"]["key"] == idempotency_key("stock.publish:pub-1", quantities)
    place = gid("Location", 71204500311)
    assert quantities == [
        {
            "inventoryItemId": gid("InventoryItem", 1),
            "locationId": place,
            "quantity": 5,
            "changeFromQuantity": 7,
        },
        {
            "inventoryItemId": gid("InventoryItem", 7),
            "locationId": place,
            "quantity": 0,
            "changeFromQuantity": None,
        },
    ]


SET_ONE = Scripted(
    200,
    {"data": {"inventorySetQuantities": {
        "inventoryAdjustmentGroup": {"id": "gid://shopify/InventoryAdjustmentGroup/3"},
        "userErrors": []}}},
)  # fmt: skip


def quantities_of(remote: Remote, call: int) -> list[tuple[str, int]]:
    sent = remote.asked[call].json["variables"]["input"]["quantities"]
    return [(entry["inventoryItemId"], entry["quantity"]) for entry in sent]


def test_an_unknown_sku_is_named_and_the_others_are_set_all_the_same(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(items(("MUG-BLUE", 1)), SET_ONE)

    receipt = Shopify().send(http, account, intent(IntentKind.PUBLISH_STOCK, STOCK, CODES))

    (refusal,) = receipt.refused
    assert (refusal.publication_id, refusal.code) == (2, "connectors.mapping_missing")
    assert refusal.context == {"table": "SKU", "external_code": "TEA"}
    assert "SKU TEA is unknown in Shopify" in refusal.detail
    assert quantities_of(remote, 1) == [(gid("InventoryItem", 1), 5)]


def test_a_node_without_a_location_in_the_shop_is_named(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    codes = {("SKU", "TEA"): "TEAPOT-1L"}

    receipt = Shopify().send(http, account, intent(IntentKind.PUBLISH_STOCK, STOCK, codes))

    assert {r.publication_id for r in receipt.refused} == {1, 2}
    assert receipt.refused[0].context == {"table": "LOCATION", "external_code": "BERLIN"}
    assert remote.asked == []


def stale(index: int) -> Scripted:
    error = {"code": "CHANGE_FROM_QUANTITY_STALE", "message": "moved",
             "field": ["input", "quantities", str(index), "changeFromQuantity"]}  # fmt: skip
    return Scripted(200, {"data": {"inventorySetQuantities": {"userErrors": [error]}}})


def test_a_number_that_somebody_moved_is_left_out_and_read(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    both = items(("MUG-BLUE", 1), ("TEAPOT-1L", 7))
    remote.will_answer(both, stale(0), items(("MUG-BLUE", 1), level=4), SET_ONE)

    receipt = Shopify().send(http, account, intent(IntentKind.PUBLISH_STOCK, STOCK, CODES))

    (refusal,) = receipt.refused
    assert (refusal.publication_id, refusal.observed) == (1, {"BERLIN": 4})
    assert quantities_of(remote, 3) == [(gid("InventoryItem", 7), 0)]
    keys = {remote.asked[call].json["variables"]["key"] for call in (1, 3)}
    assert len(keys) == 2  # another request, another key


def test_many_numbers_that_moved_are_all_left_out_though_the_shop_names_one(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    entries = [{**entry, "change_from": 3} for entry in STOCK["entries"]]
    both = items(("MUG-BLUE", 1), ("TEAPOT-1L", 7))
    remote.will_answer(both, stale(0), items(("MUG-BLUE", 1), ("TEAPOT-1L", 7), level=4))

    receipt = Shopify().send(
        http, account, intent(IntentKind.PUBLISH_STOCK, {**STOCK, "entries": entries}, CODES)
    )

    assert {r.publication_id: r.observed for r in receipt.refused} == {
        1: {"BERLIN": 4},
        2: {"BERLIN": 4},
    }
    assert len(remote.asked) == 3


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("INVALID_REASON", RemoteRejected),
        ("IDEMPOTENCY_CONCURRENT_REQUEST", RemoteUnavailable),
    ],
)
def test_what_is_wrong_with_the_whole_call_stops_it(
    remote: Remote,
    http: HttpClient,
    account: Account,
    intent: MakeIntent,
    code: str,
    meaning: type[Exception],
) -> None:
    errors = {"userErrors": [{"code": code, "field": None, "message": "no"}]}
    remote.will_answer(
        items(("MUG-BLUE", 1), ("TEAPOT-1L", 7)),
        Scripted(200, {"data": {"inventorySetQuantities": errors}}),
    )

    with pytest.raises(meaning):
        Shopify().send(http, account, intent(IntentKind.PUBLISH_STOCK, STOCK, CODES))


@pytest.mark.parametrize(("level", "is_there"), [(5, True), (6, False)])
def test_looks_whether_the_shop_already_shows_the_number(
    remote: Remote,
    http: HttpClient,
    account: Account,
    intent: MakeIntent,
    level: int,
    is_there: bool,
) -> None:
    remote.will_answer(items(("MUG-BLUE", 1), level=level))
    one = STOCK | {"entries": STOCK["entries"][:1]}

    found = Shopify().look_up(http, account, intent(IntentKind.PUBLISH_STOCK, one, CODES))

    assert (found is not None) == is_there
