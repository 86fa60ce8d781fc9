"""The door knows topic, key and lane from a glance at the bytes."""

from __future__ import annotations

import json
import timeit
from typing import Any

import pytest

from connectors.systems.shopify import Shopify
from tests.connectors.systems.shopify.orders import REFUND, order

HEADERS = {
    "x-shopify-topic": "orders/create",
    "x-shopify-event-id": "event-1",
    "x-shopify-webhook-id": "hook-1",
    "x-shopify-triggered-at": "2026-11-20T09:30:01.123456789Z",
}


def open_(topic: str, body: Any, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    return Shopify().open(HEADERS | {"x-shopify-topic": topic} | headers, raw)


def test_an_order_goes_into_its_own_lane() -> None:
    envelope = open_("orders/create", order())

    assert envelope.topic == "orders/create"
    assert envelope.key == "event-1:9120000000000017"
    assert envelope.lane == "order:9120000000000017"
    assert envelope.entity_id == "9120000000000017"
    assert envelope.event_at.isoformat() == "2026-11-20T09:30:01.123456+00:00"


def test_the_new_spelling_of_the_headers_says_the_same() -> None:
    body = json.dumps(order()).encode()
    renamed = {name.removeprefix("x-"): value for name, value in HEADERS.items()}

    assert Shopify().open(renamed, body) == Shopify().open(HEADERS, body)


def test_without_an_event_id_the_webhook_id_is_the_key() -> None:
    assert open_("orders/create", order(), **{"x-shopify-event-id": ""}).key == "hook-1"


def test_without_any_id_the_body_is_the_key() -> None:
    nameless = {"x-shopify-event-id": "", "x-shopify-webhook-id": ""}

    keys = {open_("orders/create", order(id=n), **nameless).key for n in (1, 2)}

    assert len(keys) == 2
    assert all(len(key) == 64 for key in keys)


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("refunds/create", REFUND),
        ("refunds/create", {"note": "x", "order_id": 9120000000000017, "id": 1}),
        ("fulfillments/create", {"id": 3, "order_id": 9120000000000017, "status": "success"}),
        ("order_transactions/create", {"id": 3, "order_id": 9120000000000017}),
        ("orders/edited", {"order_edit": {"id": 1, "order_id": 9120000000000017}}),
        ("returns/approve", {"id": 3, "order": {"id": 9120000000000017}}),
        ("returns/approve", {"id": 3, "order": {"id": "gid://shopify/Order/9120000000000017"}}),
        ("orders/updated", {"name": "#1", "id": 9120000000000017}),
        ("orders/updated", b'  { "id" : 9120000000000017 , "name" : "x" }'),
        ("orders/delete", b'{"id":9120000000000017}'),
        ("orders/updated", b'{"id":"9120000000000017","name":'),
    ],
)
def test_all_that_belongs_to_an_order_stays_in_its_lane(topic: str, body: Any) -> None:
    assert open_(topic, body).lane == "order:9120000000000017"


@pytest.mark.parametrize(
    ("topic", "body", "lane"),
    [
        ("products/update", {"id": 77, "title": "Mug"}, "products:77"),
        ("inventory_levels/update", {"inventory_item_id": 5}, "inventory_levels:event-1:"),
        ("orders/create", b"not json", "orders:event-1:"),
        ("orders/create", b"", "orders:event-1:"),
        ("orders/create", b'{"id":null}', "orders:event-1:"),
        ("orders/create", b'{"id":{"$gt":0}}', "orders:event-1:"),
        ("orders/create", b'{"id":true}', "orders:event-1:"),
        ("orders/create", b"[" * 100_000, "orders:event-1:"),
        ("orders/create", b'"\xff"', "orders:event-1:"),
        ("refunds/create", b"[1]", "refunds:event-1:"),
        ("", b"{}", ":event-1:"),
    ],
)
def test_a_body_without_an_order_is_never_a_reason_to_fail(
    topic: str, body: Any, lane: str
) -> None:
    assert open_(topic, body).lane == lane


def test_a_garbled_time_is_no_time() -> None:
    assert open_("orders/create", order(), **{"x-shopify-triggered-at": "soon"}).event_at is None


def test_an_id_deep_in_the_body_is_not_taken_for_the_orders() -> None:
    body = b'{"note":"{\\"id\\":666,","line_items":[{"id":667}],"id":9120000000000017}'

    assert open_("orders/create", body).lane == "order:9120000000000017"


def test_costs_next_to_nothing_for_a_large_body() -> None:
    body = json.dumps(order(note="x" * 10_000), separators=(",", ":")).encode()
    shop = Shopify()
    small = json.dumps(order(), separators=(",", ":")).encode()

    def cost(body: bytes) -> float:
        return min(timeit.repeat(lambda: shop.open(HEADERS, body), number=500, repeat=5)) / 500

    large, little = cost(body), cost(small)

    assert large < 50e-6, "far below a parse, even on a busy machine"
    assert large < little * 2
