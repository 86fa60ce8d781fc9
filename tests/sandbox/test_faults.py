"""Every fault lands when it is told to, and is counted."""

import asyncio
import json
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.sandbox.estate import Hub, Running, eventually

pytestmark = pytest.mark.asyncio

ORDERS = "/v1/outbound-orders"
BODY = {
    "reference": "FO-1",
    "ship_to": {"name": "A", "line1": "B 1", "city": "C", "country_code": "DE"},
    "lines": [{"line": "1", "sku": "MUG-BLUE", "quantity": 1}],
}


async def create(wms: Running) -> httpx.Response:
    return await wms.client.post(ORDERS, json=BODY, headers={"X-Trace-Id": "trace-1"})


def created(wms: Running) -> int:
    return len(wms.ledger.of_kind("outbound.created"))


async def test_503_before_applies_nothing(wms: Running) -> None:
    await wms.faults(error_5xx_before=1, retry_after_s=7)

    answer = await create(wms)

    assert (answer.status_code, answer.headers["Retry-After"], created(wms)) == (503, "7", 0)
    assert await wms.landed() == {"error_5xx_before": 1}


async def test_503_after_has_applied(wms: Running) -> None:
    await wms.faults(error_5xx_after=1)

    assert (await create(wms)).status_code == 503
    assert created(wms) == 1
    assert (await wms.client.get("/v1/ping")).status_code == 200
    assert await wms.landed() == {"error_5xx_after": 1}


async def test_a_lost_response_has_applied_and_drops_the_connection(wms: Running) -> None:
    await wms.faults(lost_response=1)

    with pytest.raises(httpx.TransportError):
        await create(wms)

    assert created(wms) == 1
    assert await wms.landed() == {"lost_response": 1}


async def test_late_apply_answers_504_or_nothing_and_applies_later(wms: Running) -> None:
    await wms.faults(late_apply=1, late_apply_s=0.1)

    assert (await create(wms)).status_code == 504
    with pytest.raises(httpx.TransportError):
        await create(wms)

    assert created(wms) == 0
    await eventually(lambda: created(wms) == 2)
    assert {line.trace_id for line in wms.ledger.of_kind("outbound.created")} == {"trace-1"}


async def test_broken_json_has_applied(wms: Running) -> None:
    await wms.faults(broken_json=1)

    answer = await create(wms)

    assert answer.status_code == 201
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert created(wms) == 1


async def test_429_says_when_to_come_back(wms: Running) -> None:
    await wms.faults(error_429=1, retry_after_s=3)

    answer = await create(wms)

    assert (answer.status_code, answer.headers["Retry-After"], created(wms)) == (429, "3", 0)


async def test_429_is_throttled_in_graphql(shop: Running) -> None:
    await shop.faults(error_429=1)

    answer = await shop.graphql("{ shop { name } }")

    assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"


async def test_maintenance_closes_everything_but_the_control_room(wms: Running) -> None:
    await wms.faults(maintenance=True)

    assert (await wms.client.get("/v1/ping")).status_code == 503
    await wms.client.delete("/_sandbox/faults")
    assert (await wms.client.get("/v1/ping")).status_code == 200


async def test_expired_credentials_are_401(shop: Running, erp: Running) -> None:
    await shop.faults(expired_credentials=1)
    assert (await shop.client.get("/admin/api/2026-07/orders.json")).status_code == 401

    await erp.faults(expired_credentials=1)
    assert (await erp.client.get("/services/rest/record/v1/salesOrder")).status_code == 401
    await erp.faults(expired_credentials=0)
    still = await erp.client.get("/services/rest/record/v1/salesOrder")
    assert still.status_code == 401  # the token is gone, not only refused once


async def test_latency_is_added(wms: Running) -> None:
    await wms.faults(latency_ms=80)

    started = time.monotonic()
    await wms.client.get("/v1/ping")

    assert time.monotonic() - started >= 0.08


async def test_a_share_lands_about_as_often_and_the_same_way_for_one_seed(wms: Running) -> None:
    async def outcomes() -> list[int]:
        await wms.faults(error_5xx_before=0.5, seed=42)
        return [(await wms.client.get("/v1/ping")).status_code for _ in range(40)]

    first, again = await outcomes(), await outcomes()

    assert first == again
    assert 8 < first.count(503) < 32


@pytest.mark.parametrize("values", [{"colour": 1}, {"error_429": "much"}, {"maintenance": 1}])
async def test_a_fault_that_does_not_exist_is_refused(wms: Running, values: dict[str, Any]) -> None:
    assert (await wms.client.put("/_sandbox/faults", json=values)).status_code == 400


async def place(shop: Running, count: int = 1) -> list[dict[str, Any]]:
    body = {"count": count, "seed": 1, "topics": ["orders/create", "orders/updated"]}
    placed: list[dict[str, Any]] = (await shop.control("/orders", **body))["orders"]
    return placed


async def test_a_duplicate_has_the_same_webhook_id(shop: Running, hub: Hub) -> None:
    await shop.faults(duplicate_delivery=1, out_of_order_s=0.05)
    await place(shop)

    heard = await hub.wait_for(4)

    ids = Counter(h.headers["x-shopify-webhook-id"] for h in heard)
    assert sorted(ids.values()) == [2, 2]


async def test_out_of_order_lets_later_news_overtake(shop: Running, hub: Hub) -> None:
    await shop.faults(out_of_order=0.5, out_of_order_s=0.2, seed=3)
    await place(shop, count=20)

    heard = await hub.wait_for(40)

    news: dict[int, list[str]] = {}
    for h in heard:
        news.setdefault(h.json["id"], []).append(h.headers["x-shopify-topic"])
    assert ["orders/updated", "orders/create"] in news.values()
    assert ["orders/create", "orders/updated"] in news.values()


async def test_a_malformed_webhook_is_signed_and_extra(shop: Running, hub: Hub) -> None:
    await shop.faults(malformed_body=1)
    placed = await place(shop)

    heard = await hub.wait_for(4)

    broken = [h for h in heard if not _is_json(h.body)]
    real = placed[0]["webhook_ids"].values()
    assert len(broken) == 2
    assert not {h.headers["x-shopify-webhook-id"] for h in broken} & set(real)


async def test_a_lost_webhook_is_never_sent_but_written_down(shop: Running, hub: Hub) -> None:
    await shop.faults(lost_delivery=1)
    placed = await place(shop)
    await asyncio.sleep(0.1)

    assert hub.heard == []
    lost = {line.key for line in shop.ledger.of_kind("webhook.lost")}
    assert lost == set(placed[0]["webhook_ids"].values())


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True
