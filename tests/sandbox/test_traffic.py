"""Customers order at the pace they are told to, and some change their minds."""

import asyncio

import pytest

from tests.sandbox.estate import Hub, Running, eventually

pytestmark = pytest.mark.asyncio


async def test_orders_come_at_the_rate_that_is_set_and_stop_at_nought(
    shop: Running, hub: Hub
) -> None:
    await shop.set("/traffic", orders_per_minute=3000)
    await eventually(lambda: len(shop.ledger.of_kind("order.placed")) >= 10)
    await shop.set("/traffic", orders_per_minute=0)
    await asyncio.sleep(0.05)
    placed = len(shop.ledger.of_kind("order.placed"))

    await asyncio.sleep(0.15)

    assert len(shop.ledger.of_kind("order.placed")) == placed
    await eventually(lambda: {"orders/create", "orders/paid"} <= topics(hub))


async def test_a_shop_without_customers_sleeps(
    shop: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0
    commit = shop.system.journal.commit

    async def counted() -> None:
        nonlocal turns
        turns += 1
        await commit()

    monkeypatch.setattr(shop.system.journal, "commit", counted)
    await shop.set("/traffic", orders_per_minute=0)
    await asyncio.sleep(0.1)

    assert turns < 5


async def test_the_mix_can_be_changed_while_it_runs(shop: Running) -> None:
    changed = await shop.set("/traffic", mix={"unknown_sku": 0.5}, cancel_share=0.2)

    assert (changed["mix"]["unknown_sku"], changed["cancel_share"]) == (0.5, 0.2)
    refused = await shop.client.put("/_sandbox/traffic", json={"mix": {"colour": 1}})
    assert refused.status_code == 400


async def test_many_orders_at_once_have_ids_of_their_own(shop: Running) -> None:
    answer = await shop.control("/orders", count=300, seed=9, topics=[])

    orders = answer["orders"]
    assert len({order["id"] for order in orders}) == 300
    assert len(shop.ledger.of_kind("order.placed")) == 300


@pytest.mark.parametrize("count", [0, -1, "many", 10_001])
async def test_a_senseless_count_is_refused(shop: Running, count: object) -> None:
    answer = await shop.client.post("/_sandbox/orders", json={"count": count})

    assert answer.status_code == 400


def topics(hub: Hub) -> set[str]:
    return {heard.headers["x-shopify-topic"] for heard in hub.heard}
