"""Webhooks are signed, retried with the same id, and told in order."""

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from retailhub.sandbox import credentials
from retailhub.sandbox.shop.system import Shop
from retailhub.sandbox.signing import standard_signature
from tests.sandbox.estate import Heard, Hub, Running, eventually, running

pytestmark = pytest.mark.asyncio

REQUIRED = (
    "topic",
    "hmac-sha256",
    "shop-domain",
    "api-version",
    "webhook-id",
    "event-id",
    "triggered-at",
)


def is_signed_by(secret: str, heard: Heard, prefix: str = "x-shopify") -> bool:
    digest = hmac.new(secret.encode(), heard.body, hashlib.sha256).digest()
    return heard.headers[f"{prefix}-hmac-sha256"] == base64.b64encode(digest).decode()


async def place(shop: Running, count: int = 1, **asked: Any) -> list[dict[str, Any]]:
    asked = {"topics": ["orders/create"], "seed": 1, **asked}
    placed: list[dict[str, Any]] = (await shop.control("/orders", count=count, **asked))["orders"]
    return placed


async def test_the_shop_signs_raw_bytes_and_sends_every_header(shop: Running, hub: Hub) -> None:
    order = (await place(shop))[0]

    heard = (await hub.wait_for(1))[0]

    assert heard.path == "/hooks/shopify-de/"
    assert heard.headers["user-agent"] == "Shopify-Captain-Hook"
    assert all(f"x-shopify-{name}" in heard.headers for name in REQUIRED)
    assert "x-shopify-test" not in heard.headers
    assert heard.headers["x-shopify-webhook-id"] == order["webhook_ids"]["orders/create"]
    assert is_signed_by(credentials.SHOP_WEBHOOK_SECRET, heard)
    assert heard.json["id"] == order["id"]


async def test_a_delivery_told_twice_at_once_holds_up_nobody(shop: Running, hub: Hub) -> None:
    hub.takes_s = 0.3
    await shop.faults(duplicate_delivery=1.0, out_of_order_s=0.0)
    order = (await place(shop))[0]
    await hub.wait_for(2)

    await shop.faults(duplicate_delivery=0.0)
    await shop.control(f"/orders/{order['id']}/resend", topic="orders/updated")

    heard = await hub.wait_for(3)
    assert heard[2].headers["x-shopify-topic"] == "orders/updated"
    await eventually(lambda: len(shop.ledger.of_kind("webhook.acked")) == 3)


async def test_a_test_order_says_so_in_the_header(shop: Running, hub: Hub) -> None:
    await place(shop, mix={"test": 1.0})

    assert (await hub.wait_for(1))[0].headers["x-shopify-test"] == "true"


async def test_the_new_header_spelling_can_be_chosen(shop: Running, hub: Hub) -> None:
    await shop.set("/webhooks", spelling="shopify")
    await place(shop)

    heard = (await hub.wait_for(1))[0]

    assert is_signed_by(credentials.SHOP_WEBHOOK_SECRET, heard, "shopify")
    assert not any(name.startswith("x-shopify") for name in heard.headers)


async def test_a_retry_keeps_id_and_body(shop: Running, hub: Hub) -> None:
    hub.statuses = [500, 404, 302]
    order = (await place(shop))[0]

    heard = await hub.wait_for(4)
    await eventually(lambda: len(shop.ledger.of_kind("webhook.acked")) == 1)

    assert {h.headers["x-shopify-webhook-id"] for h in heard} == {
        order["webhook_ids"]["orders/create"]
    }
    assert len({h.body for h in heard}) == 1
    assert shop.ledger.of_kind("webhook.acked")[0].detail["attempts"] == 4


async def test_gives_up_after_the_last_retry_and_may_drop_the_subscription(
    shop: Running, hub: Hub
) -> None:
    await shop.set("/webhooks", retries=2, first_retry_s=0.01, delete_subscription_after=3)
    hub.statuses = [500] * 3
    await place(shop)
    await eventually(lambda: len(shop.ledger.of_kind("webhook.abandoned")) == 1)

    await place(shop)
    report = (await shop.client.get("/_sandbox/webhooks")).json()

    assert len(hub.heard) == 3
    assert report["is_subscribed"] is False
    assert report["counts"]["not_subscribed"] == 1


async def test_one_happening_shares_its_event_id_over_topics(shop: Running, hub: Hub) -> None:
    await place(shop, topics=["orders/create", "orders/paid", "orders/updated"])

    heard = await hub.wait_for(3)

    assert len({h.headers["x-shopify-event-id"] for h in heard}) == 1
    assert len({h.headers["x-shopify-webhook-id"] for h in heard}) == 3
    assert [h.headers["x-shopify-topic"] for h in heard] == [
        "orders/create",
        "orders/paid",
        "orders/updated",
    ]


async def test_cancel_refund_and_product_news_are_told(shop: Running, hub: Hub) -> None:
    first, second = await place(shop, count=2, topics=[], sku="MUG-BLUE", quantity=2)
    line = {"id": second["lines"][0]["id"], "quantity": 1}

    await shop.control(f"/orders/{first['id']}/cancel", reason="customer")
    await shop.control(f"/orders/{second['id']}/refund", lines=[line])
    await shop.control("/products/update", sku="MUG-BLUE")

    heard = await hub.wait_for(6)
    topics = sorted(h.headers["x-shopify-topic"] for h in heard)
    assert topics == [
        "orders/cancelled",
        "orders/updated",
        "orders/updated",
        "products/update",
        "refunds/create",
        "refunds/create",
    ]
    refunds = [h.json for h in heard if h.headers["x-shopify-topic"] == "refunds/create"]
    partial = next(refund for refund in refunds if refund["order_id"] == second["id"])
    assert partial["refund_line_items"][0]["subtotal_set"]["shop_money"]["amount"] == "14.90"


async def test_after_a_rotation_the_old_secret_signs_for_a_while(shop: Running, hub: Hub) -> None:
    await shop.control("/rotate-secret", secret="new", old_signs_for_s=0.3)
    await place(shop)
    old = (await hub.wait_for(1))[0]
    await shop.control("/rotate-secret", secret="newer", old_signs_for_s=0)
    await place(shop)
    new = (await hub.wait_for(2))[1]

    assert is_signed_by(credentials.SHOP_WEBHOOK_SECRET, old)
    assert is_signed_by("newer", new)


async def test_the_warehouse_signs_with_both_secrets_while_one_is_rotated(
    wms: Running, hub: Hub
) -> None:
    rotated = await wms.control("/rotate-secret", old_signs_for_s=60)
    await wms.control("/stock-count", warehouse="BERLIN", sku="MUG-BLUE", on_hand=12)

    heard = (await hub.wait_for(1))[0]

    signed = (heard.headers["webhook-id"], heard.headers["webhook-timestamp"], heard.body)
    assert heard.headers["webhook-signature"].split(" ") == [
        standard_signature(rotated["secret"], *signed),
        standard_signature(credentials.WMS_WEBHOOK_SECRET, *signed),
    ]


async def test_what_was_not_acknowledged_is_delivered_after_a_restart(
    hub: Hub, tmp_path: Path
) -> None:
    url = hub.address + "/hooks/shopify-de/"
    async with running(Shop(tmp_path, url), tmp_path) as shop:
        await shop.set("/webhooks", is_paused=True)
        order = (await place(shop))[0]

    async with running(Shop(tmp_path, url), tmp_path):
        heard = (await hub.wait_for(1))[0]

    assert heard.headers["x-shopify-webhook-id"] == order["webhook_ids"]["orders/create"]
