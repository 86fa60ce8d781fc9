"""Knocking at the door as systems do: signed bytes over the real ASGI application."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

SHOP_SECRET = "shpss_test_secret"
WEB_SECRET = "whsec_" + base64.b64encode(b"a secret of the web shop").decode()


@dataclass(frozen=True)
class Knock:
    """One delivery."""

    slug: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


def shopify(
    body: bytes,
    *,
    topic: str = "orders/create",
    event: str = "e1",
    secret: str = SHOP_SECRET,
    spelling: str = "X-Shopify",
    slug: str = "shopify-de",
) -> Knock:
    """A webhook of Shopify, in either spelling of its headers."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return Knock(
        slug,
        body,
        {
            f"{spelling}-Hmac-Sha256": base64.b64encode(digest).decode(),
            f"{spelling}-Topic": topic,
            f"{spelling}-Event-Id": event,
            f"{spelling}-Webhook-Id": f"w-{event}",
            f"{spelling}-Triggered-At": "2026-11-20T12:00:00.000Z",
            "Content-Type": "application/json",
            "Cookie": "session=1",
        },
    )


def custom(payload: Any, *, key: str = "m1", secret: str = WEB_SECRET, age: float = 0) -> Knock:
    """A webhook of a custom shop, signed per Standard Webhooks."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    stamp = str(int(time.time() - age))
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(raw, f"{key}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return Knock(
        "webshop",
        body,
        {
            "webhook-id": key,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        },
    )


def order_payload(number: str = "A-1", **more: Any) -> dict[str, Any]:
    """An order of one mug in our own format."""
    return {
        "id": number,
        "placed_at": "2026-11-20T09:30:00+01:00",
        "currency": "EUR",
        "total": "10.00",
        "financial_status": "PAID",
        "lines": [{"id": "1", "sku": "MUG", "quantity": 1, "unit_price": "10.00"}],
        **more,
    }


def knock(*knocks: Knock, between: Callable[[], None] | None = None) -> list[httpx.Response]:
    """Send all at once; `between`, if given, runs after each of them, one by one."""
    return asyncio.run(_knock(knocks, between))


def answers(*knocks: Knock) -> list[tuple[int, str]]:
    """Status and text, one for each."""
    return [(answer.status_code, answer.text) for answer in knock(*knocks)]


def _alone(act: Callable[[], None]) -> None:
    from django.db import connection  # noqa: PLC0415 - needs the settings

    try:
        act()
    finally:
        connection.close()


async def _knock(
    knocks: Sequence[Knock], between: Callable[[], None] | None
) -> list[httpx.Response]:
    from connectors.webhooks import HookApp  # noqa: PLC0415 - needs the settings

    door = HookApp()
    transport = httpx.ASGITransport(app=door)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:

        async def send(one: Knock) -> httpx.Response:
            path = f"/hooks/{one.slug}/"
            return await client.request(
                one.method, path, content=one.body, headers=dict(one.headers)
            )

        if between is None:
            answers = list(await asyncio.gather(*map(send, knocks)))
        else:
            answers = []
            for one in knocks:
                answers.append(await send(one))
                await asyncio.to_thread(_alone, between)
    await door.close()
    return answers
