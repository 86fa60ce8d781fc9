"""Knocks at the door as a shop does, and writes down what was acknowledged. A process of its own.

It places its orders at the simulated shop without the shop telling anybody, then delivers them
itself: shuffled, a share of them twice, each until a 2xx came back. An id goes into the ledger, and
the ledger to the disk, only after that 2xx.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import uuid
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from retailhub.rehearsal.plan import DUPLICATES
from retailhub.sandbox import credentials
from retailhub.sandbox.signing import shopify_signature

LEDGER = "acked.jsonl"
PLACED = "placed.jsonl"
READY, GO, DONE = "ready", "go", "done"
PAGE = 100
TOPICS = ("orders/create", "orders/paid")
# Customers who change their minds, and how soon, seconds after the order was acknowledged.
CANCELS, REFUNDS = 0.03, 0.05
CANCEL_AFTER, REFUND_AFTER = (0.0, 2.0), (0.0, 8.0)
MIX = {"scarce": 0.03, "unknown_sku": 0, "test": 0, "late_payment": 0, "digital_only": 0.01}


@dataclass(frozen=True)
class Order:
    """One order as the shop has it."""

    external_id: str
    total: str
    body: bytes
    units: int
    line_id: int | None


@dataclass(frozen=True)
class Told:
    """What the ledger says of one acknowledged delivery."""

    webhook_id: str
    topic: str
    order_id: str


@dataclass(frozen=True)
class Work:
    """What the producer was asked to do."""

    orders: int
    seed: int
    rate: float
    hub: str
    shop: str
    folder: Path
    is_calm: bool = False


class Ledger:
    """Lines that are on the disk before `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry).encode() + b"\n")
        os.fdatasync(self._file.fileno())


class Producer:
    """Places, delivers, cancels and refunds."""

    def __init__(self, work: Work, client: httpx.AsyncClient) -> None:
        self._work, self._client = work, client
        self._luck = random.Random(f"{work.seed}:producer")
        self._ledger = Ledger(work.folder / LEDGER)
        self._gate = asyncio.Semaphore(24)

    async def place(self) -> list[Order]:
        """Orders in the shop that nobody was told of."""
        headers = {"X-Shopify-Access-Token": credentials.SHOP_ACCESS_TOKEN}
        placed = Ledger(self._work.folder / PLACED)
        orders: list[Order] = []
        for start in range(0, self._work.orders, PAGE):
            asked = {
                "count": min(PAGE, self._work.orders - start),
                "seed": self._work.seed * 1_000_000 + start,
                "topics": [],
                "mix": MIX,
            }
            answer = await self._client.post(f"{self._work.shop}/_sandbox/orders", json=asked)
            for summary in answer.raise_for_status().json()["orders"]:
                path = f"/admin/api/{credentials.SHOP_API_VERSION}/orders/{summary['id']}.json"
                found = await self._client.get(self._work.shop + path, headers=headers)
                orders.append(_order(found.raise_for_status().json()["order"]))
                placed.write({"order_id": orders[-1].external_id, "total": orders[-1].total})
        return orders

    async def deliver(self, orders: list[Order]) -> None:
        """Every order, once at least, until each delivery was acknowledged."""
        shuffled = list(enumerate(orders))
        due = {at: at / self._work.rate + self._luck.uniform(0, 2.0) for at, _ in shuffled}
        await asyncio.gather(*(self._order(order, due[at]) for at, order in shuffled))

    async def _order(self, order: Order, due: float) -> None:
        event_id = str(uuid.UUID(int=self._luck.getrandbits(128)))
        knocks = [
            self._until_acked(order, topic, event_id, due + delay)
            for topic in TOPICS
            for delay in self._delays()
        ]
        chance = self._luck.random()
        if not self._work.is_calm and chance < CANCELS:
            knocks.append(self._later(due, CANCEL_AFTER, self._cancel(order)))
        elif not self._work.is_calm and chance < CANCELS + REFUNDS and order.units > 1:
            knocks.append(self._later(due, REFUND_AFTER, self._refund(order)))
        await asyncio.gather(*knocks)

    def _delays(self) -> list[float]:
        """When one topic is delivered: out of order, and some of it twice."""
        delays = [self._luck.uniform(0, 0.4)]
        if not self._work.is_calm and self._luck.random() < DUPLICATES:
            delays.append(self._luck.choice((0.0, self._luck.uniform(0, 3.0))))
        return delays

    async def _until_acked(self, order: Order, topic: str, event_id: str, due: float) -> None:
        # A duplicate carries the same webhook id: it is the same delivery, sent again.
        webhook_id = str(uuid.uuid5(uuid.UUID(event_id), topic))
        headers = _headers(order.body, topic, event_id, webhook_id)
        await asyncio.sleep(due)
        pause = 0.2
        while not await self._knock(order.body, headers):
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)
        self._ledger.write(asdict(Told(webhook_id, topic, order.external_id)))

    async def _knock(self, body: bytes, headers: dict[str, str]) -> bool:
        url = self._work.hub + credentials.SHOP_HOOK_PATH
        async with self._gate:
            try:
                answer = await self._client.post(url, content=body, headers=headers, timeout=5.0)
            except httpx.HTTPError:
                return False
            return answer.is_success

    async def _later(
        self, due: float, window: tuple[float, float], action: Awaitable[None]
    ) -> None:
        await asyncio.sleep(due + self._luck.uniform(*window))
        await action

    async def _cancel(self, order: Order) -> None:
        # Too late is an answer customers get, not a fault.
        await self._act(order, "cancel", {"reason": "customer"})

    async def _refund(self, order: Order) -> None:
        line = [{"id": order.line_id, "quantity": 1}]
        await self._act(order, "refund", {"lines": line, "restock_type": "return"})

    async def _act(self, order: Order, verb: str, values: dict[str, Any]) -> None:
        url = f"{self._work.shop}/_sandbox/orders/{order.external_id}/{verb}"
        await self._client.post(url, json=values)


def _order(body: dict[str, Any]) -> Order:
    goods = [line for line in body["line_items"] if line["requires_shipping"]]
    return Order(
        external_id=str(body["id"]),
        total=body["total_price"],
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        units=sum(line["quantity"] for line in goods),
        line_id=goods[0]["id"] if goods else None,
    )


def _headers(body: bytes, topic: str, event_id: str, webhook_id: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "x-shopify-topic": topic,
        "x-shopify-event-id": event_id,
        "x-shopify-webhook-id": webhook_id,
        "x-shopify-shop-domain": credentials.SHOP_DOMAIN,
        "x-shopify-hmac-sha256": shopify_signature(credentials.SHOP_WEBHOOK_SECRET, body),
    }


async def run(work: Work) -> None:
    """Place, say so, wait for the word, deliver, say so."""
    async with httpx.AsyncClient(trust_env=False, timeout=20.0) as client:
        producer = Producer(work, client)
        orders = await producer.place()
        (work.folder / READY).touch()
        while not (work.folder / GO).exists():
            await asyncio.sleep(0.05)
        await producer.deliver(orders)
        (work.folder / DONE).touch()


def main(text: str) -> None:
    asked = json.loads(text)
    asyncio.run(run(Work(**{**asked, "folder": Path(asked["folder"])})))


if __name__ == "__main__":
    main(sys.argv[1])
