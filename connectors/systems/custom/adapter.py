"""A custom system as a source of orders, refunds and stock, and a sink for the stock it may sell.

The public API reads with it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors.systems.base import (
    Account,
    Envelope,
    Fact,
    Headers,
    Intent,
    IntentKind,
    Json,
    PollPage,
    Reading,
    Receipt,
)
from connectors.systems.custom import telling
from connectors.systems.custom.client import Shop
from connectors.systems.custom.mapping import read_order, read_refund
from connectors.systems.custom.stock import read_arrivals, read_counts, read_movements
from connectors.systems.fields import parse_moment
from connectors.systems.http import HttpClient
from connectors.systems.signatures import verify_standard_webhook
from connectors.systems.stock import Look, Rate
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.json import read_json

PLACED = "order.placed"


class Custom:
    """Orders, refunds and stock in, and the stock that may be sold out, in our own format."""

    kinds = frozenset({IntentKind.PUBLISH_STOCK})
    repeatable = frozenset({IntentKind.PUBLISH_STOCK})
    observed_at_once = telling.SKUS_PER_READ

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """Pass what was signed per Standard Webhooks. Raises `SignatureInvalid`."""
        verify_standard_webhook(headers, body, secrets, now)

    def open(self, headers: Headers, body: bytes) -> Envelope:
        """The envelope. `webhook-id` is the key; a body without `type` is an order placed."""
        key = headers.get("webhook-id") or sha256(body).hexdigest()
        try:
            payload = read_json(body)
        except NeedsOperator:
            payload = None
        told: dict[str, Any] = payload if isinstance(payload, dict) else {}
        data = content_of(told)
        entity = data.get("order_id") or data.get("id") if isinstance(data, dict) else None
        entity_id = str(entity)[:140] if isinstance(entity, str | int) else ""
        return Envelope(
            topic=str(told.get("type") or PLACED)[:80],
            key=key[:200],
            lane=f"order:{entity_id}" if entity_id else f"event:{key}"[:160],
            entity_id=entity_id,
            event_at=parse_moment(str(told.get("timestamp") or "")),
        )

    def read(self, topic: str, payload: Json) -> Reading:
        """The facts in a parsed body, wrapped or not. Raises `MappingFailed` naming the field."""
        if topic in _STOCK_READERS:
            return Reading(facts=_STOCK_READERS[topic](content_of(payload)))
        reader = _READERS.get(topic)
        if reader is None:
            return Reading(ignored=f"unknown topic {topic[:80]}")
        return Reading(facts=[reader(content_of(payload))])

    def poll(self, http: HttpClient, account: Account, cursor: str, since: datetime) -> PollPage:
        """Nothing: a custom shop is not asked, it tells."""
        return PollPage(messages=(), cursor="", has_more=False)

    def entries_at_once(self, waiting: int) -> int:
        """As many as one call should hold."""
        return telling.MOST_AT_ONCE

    def rate_of(self, intent: Intent) -> Rate | None:
        """None: it has one rate, the connection's."""
        return None

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        """Set the quantities. Raises `RetryLater`, `OutcomeUnknown` or `NeedsOperator`."""
        return telling.send(Shop(http, account, intent.trace_id), intent)

    def look_up(self, http: HttpClient, account: Account, intent: Intent) -> Receipt | None:
        """The receipt if the shop shows each number already. A read, never a write."""
        return telling.look_up(Shop(http, account, intent.trace_id), intent)

    def observe(
        self, http: HttpClient, account: Account, asked: Look
    ) -> Mapping[str, Mapping[str, int]]:
        """What the shop shows of each SKU that it knows."""
        return telling.observe(Shop(http, account, asked.trace_id), asked)

    def probe(self, http: HttpClient, account: Account) -> Sequence[tuple[str, str]]:
        """That the shop is up, takes our signature and lists stock."""
        return Shop(http, account).probe()


def content_of(payload: Json) -> Json:
    """The inner object of a wrapped message, or the object itself."""
    if isinstance(payload, dict) and "type" in payload and "data" in payload:
        return payload["data"]
    return payload


_READERS: dict[str, Callable[[Any], Fact]] = {
    PLACED: read_order,
    "order.changed": read_order,
    "order.cancelled": lambda payload: read_order(payload, is_cancelled=True),
    "refund.created": read_refund,
}
_STOCK_READERS: dict[str, Callable[[Any], Sequence[Fact]]] = {
    "stock.counted": read_counts,
    "stock.moved": read_movements,
    "stock.in_transit": read_arrivals,
}
