"""What would become of these samples? Every one through the real hook, to its end, with the reason.

Samples come in any order and stand for many shops: each gets a lane and a key of its own, and a
catalogue that knows every SKU, so that what is shown is the hub's own word on the payload.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.utils import timezone

from connectors.models import Connection, InboundKey, InboundMessage
from connectors.services.credentials import store_credential
from connectors.services.process import process_batch
from connectors.systems.shopify.samples import iter_samples
from connectors.webhooks import HookApp
from inventory.models import Channel, Item
from orders.models import Order
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.json import read_json
from retailhub.kernel.money import format_money

SECRET = "a-secret-of-our-own"  # noqa: S105 - signs samples, guards nothing


@dataclass(frozen=True)
class Verdict:
    """What became of one sample."""

    path: Path
    topic: str
    outcome: str
    reason: str


def judge_shopify(folder: Path) -> Iterator[Verdict]:
    """Send every Shopify sample under `folder` through the hook and tell what became of it.

    Writes to the database in use: give it a scratch one.
    """
    for number, (path, topic, body) in enumerate(iter_samples(folder)):
        connection = _shop(f"sample-{number}")
        _know_skus(body)
        yield Verdict(path, topic, *_send(connection, topic, body, f"{number}"))


def _shop(slug: str) -> Connection:
    # One shop per sample: the same order id in two samples is two orders.
    channel = Channel.objects.create(code=slug, name=slug)
    row = Connection.objects.create(
        slug=slug, name="Shopify", system="shopify", role=Connection.Role.SHOP, channel=channel
    )
    store_credential(connection_id=row.pk, name="webhook_secret", secret=SECRET, now=timezone.now())
    return row


def _know_skus(body: bytes) -> None:
    try:
        payload = read_json(body)
    except NeedsOperator:
        return
    lines = payload.get("line_items") if isinstance(payload, dict) else None
    for line in lines if isinstance(lines, list) else []:
        if isinstance(line, dict) and isinstance(line.get("sku"), str) and line["sku"]:
            Item.objects.get_or_create(sku=line["sku"][:80])


def _send(connection: Connection, topic: str, body: bytes, key: str) -> tuple[str, str]:
    status = asyncio.run(_post(connection.slug, topic, body, key))
    if status != 200:
        return "REFUSED", f"the hook answered {status}"
    while process_batch(limit=50, now=timezone.now()):
        pass
    message_id = InboundKey.objects.get(connection=connection).message_id
    message = InboundMessage.objects.get(pk=message_id or 0)
    order = Order.objects.filter(channel_id=connection.channel_id or 0).first()
    if order is None:
        return message.state, message.error_detail
    return _ORDER_WORDS[_adds_up(order)], _order_sentence(order)


_ORDER_WORDS = {True: "ORDER", False: "WRONG SUM"}


def _adds_up(order: Order) -> bool:
    lines = sum((line.total for line in order.lines.all()), Decimal(0))
    taxes = Decimal(0) if order.taxes_included else order.tax_total
    extras = order.shipping_total + order.tip_total + order.duties_total + order.difference
    return bool(lines + taxes + extras == order.total)


def _order_sentence(order: Order) -> str:
    said = f"{order.number} {format_money(order.total, order.currency)}"
    if not order.difference:
        return f"{said}, exact"
    return f"{said}, {format_money(order.difference, order.currency)}: {order.difference_reason}"


async def _post(slug: str, topic: str, body: bytes, key: str) -> int:
    """One delivery at the door, as the shop would make it; answers the status."""
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": f"sample-{key}",
        "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
        "content-type": "application/json",
    }
    app = HookApp()
    try:
        return await call_hook(app, f"/hooks/{slug}/", headers, body)
    finally:
        await app.close()


async def call_hook(
    app: Callable[..., Any], path: str, headers: dict[str, str], body: bytes
) -> int:
    """POST `body` to an ASGI application without a socket; answers the status."""
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await app({"type": "http", "method": "POST", "path": path, "headers": pairs}, receive, send)
    return status
