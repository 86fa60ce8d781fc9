"""Shopify as a source of orders and a sink for shipments and stock."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors.systems.base import (
    Account,
    Envelope,
    Headers,
    Intent,
    IntentKind,
    Json,
    OrderList,
    PolledMessage,
    PollPage,
    Reading,
    Receipt,
)
from connectors.systems.fields import Fields, parse_moment
from connectors.systems.http import HttpClient
from connectors.systems.shopify import client, fulfillments, listing, stock
from connectors.systems.shopify.mapping import read_order, read_refund
from connectors.systems.shopify.privacy import PRIVACY_TOPICS, privacy_request
from connectors.systems.shopify.topics import (
    ORDER_FAMILIES,
    ORDER_TOPICS,
    REFUND_TOPIC,
    why_ignored,
)
from connectors.systems.signatures import verify_body_hmac
from connectors.systems.stock import Look, Rate
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.json import read_json

# Anchored at the top of the body, so a 10 kB order costs no more than a small one.
_TOP = re.compile(
    rb'\s*\{\s*"id"\s*:\s*"?(\d{1,30})"?\s*[,}](?:\s*"order_id"\s*:\s*"?(\d{1,30})"?\s*[,}])?'
)


class Shopify:
    """Webhooks and poll in, fulfilments and stock out."""

    kinds = frozenset({IntentKind.NOTIFY_SHIPMENT, IntentKind.PUBLISH_STOCK})
    # inventorySetQuantities carries an idempotency key; fulfillmentCreate takes none.
    repeatable = frozenset({IntentKind.PUBLISH_STOCK})
    observed_at_once = stock.SKUS_PER_LOOK

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """Pass what was signed over the raw body. Raises `SignatureInvalid`.

        The scheme signs no time, so `now` is not asked.
        """
        verify_body_hmac(_header(headers, "hmac-sha256"), body, secrets)

    def open(self, headers: Headers, body: bytes) -> Envelope:
        """The envelope, for the price of one anchored regex. Never raises for a bad body."""
        topic = _header(headers, "topic")[:80]
        resource_id, order_id = find_ids(topic, body)
        event_id, webhook_id = _header(headers, "event-id"), _header(headers, "webhook-id")
        # One event id is shared by all topics of one action, and may be by its resources.
        key = f"{event_id}:{resource_id}" if event_id else webhook_id or sha256(body).hexdigest()
        return Envelope(
            topic=topic,
            key=key[:200],
            lane=_lane(topic, resource_id, order_id, key),
            entity_id=order_id or resource_id,
            event_at=parse_moment(_header(headers, "triggered-at")),
        )

    def read(self, topic: str, payload: Json) -> Reading:
        """The facts in a parsed body. Raises `MappingFailed` naming the field."""
        if topic in ORDER_TOPICS:
            return Reading(facts=[read_order(payload)])
        if topic == REFUND_TOPIC:
            return Reading(facts=[read_refund(Fields(payload, "Shopify's refund"))])
        if topic in PRIVACY_TOPICS:
            raise privacy_request(topic, payload)
        return Reading(ignored=why_ignored(topic))

    def poll(self, http: HttpClient, account: Account, cursor: str, since: datetime) -> PollPage:
        """One page of orders changed after `since`, each in the very bytes of its webhook."""
        return client.poll_orders(http, account, cursor, since)

    def list_orders(
        self, http: HttpClient, account: Account, window: tuple[datetime, datetime], cursor: str
    ) -> OrderList:
        """One page of the shop's own list of orders placed in `window`."""
        return listing.list_orders(client.Shop(http, account), window, cursor)

    def fetch_orders(
        self, http: HttpClient, account: Account, external_ids: Sequence[str]
    ) -> Sequence[PolledMessage]:
        """These orders, each in the very bytes of its webhook."""
        return listing.fetch_orders(http, account, external_ids)

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        """Apply the effect. Raises `RetryLater`, `OutcomeUnknown` or `NeedsOperator`."""
        shop = client.Shop(http, account, intent.trace_id)
        return _SEND[intent.kind](shop, intent)

    def look_up(self, http: HttpClient, account: Account, intent: Intent) -> Receipt | None:
        """The receipt if the effect is already there, else None. A read, never a write."""
        shop = client.Shop(http, account, intent.trace_id)
        return _LOOK_UP[intent.kind](shop, intent)

    def entries_at_once(self, waiting: int) -> int:
        """As many as an input array takes."""
        return stock.MAX_ENTRIES

    def rate_of(self, intent: Intent) -> Rate | None:
        """None: Shopify counts points for all operations together."""
        return None

    def observe(
        self, http: HttpClient, account: Account, asked: Look
    ) -> Mapping[str, Mapping[str, int]]:
        """What the shop shows as available, by our SKU and location."""
        return stock.observe(client.Shop(http, account, asked.trace_id), asked)

    def probe(self, http: HttpClient, account: Account) -> Sequence[tuple[str, str]]:
        """The shop's name, currency and what our token may do."""
        return client.Shop(http, account).probe()


_SEND: dict[IntentKind, Callable[[client.Shop, Intent], Receipt]] = {
    IntentKind.NOTIFY_SHIPMENT: fulfillments.send,
    IntentKind.PUBLISH_STOCK: stock.send,
}
_LOOK_UP: dict[IntentKind, Callable[[client.Shop, Intent], Receipt | None]] = {
    IntentKind.NOTIFY_SHIPMENT: fulfillments.look_up,
    IntentKind.PUBLISH_STOCK: stock.look_up,
}


def find_ids(topic: str, body: bytes) -> tuple[str, str]:
    """The resource's id and the order's id, each empty when not found."""
    family = topic.partition("/")[0]
    found = _TOP.match(body)
    if found:
        resource_id, order_id = (group.decode() if group else "" for group in found.groups())
        if family == "orders":
            return resource_id, resource_id
        if order_id or family not in ORDER_FAMILIES:
            return resource_id, order_id
    return _parsed_ids(family, body)


def _parsed_ids(family: str, body: bytes) -> tuple[str, str]:
    # Bodies that hold their ids elsewhere: {"order_edit": {...}}, {"order": {"id": ...}}.
    try:
        top = read_json(body)
    except NeedsOperator:
        return "", ""
    if isinstance(top, dict) and len(top) == 1:
        top = next(iter(top.values()))
    if not isinstance(top, dict):
        return "", ""
    order = top.get("order")
    order_id = top.get("order_id") or (order.get("id") if isinstance(order, dict) else None)
    if family == "orders" and not order_id:
        order_id = top.get("id")
    return _plain_id(top.get("id")), _plain_id(order_id)


def _plain_id(value: Any) -> str:
    # Ids come as numbers, digits or gid://shopify/Order/123.
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    tail = str(value).rpartition("/")[2]
    return tail if tail.isascii() and tail.isalnum() and len(tail) <= 40 else ""


def _lane(topic: str, resource_id: str, order_id: str, key: str) -> str:
    family = topic.partition("/")[0]
    if family in ORDER_FAMILIES and order_id:
        return f"order:{order_id}"
    return f"{family}:{resource_id or key}"[:160]


def _header(headers: Headers, name: str) -> str:
    # Since 2026-04 Shopify also writes the names without x- (shopify-api-ruby 16.2.0).
    return headers.get(f"x-shopify-{name}") or headers.get(f"shopify-{name}") or ""
