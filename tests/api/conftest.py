"""Two shops with a key each, and a caller that speaks as either."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from connectors.models import Connection
from connectors.services.api_keys import IssuedKey, Scope, create_api_key
from connectors.systems.custom.mapping import read_order
from inventory.models import Channel, Item
from orders.models import Order, OrderLine
from orders.services.lines import snapshot_fields

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EVERYTHING = tuple(Scope)


def body_of(order_id: str = "A-1", **changes: Any) -> dict[str, Any]:
    """A small order that adds up."""
    return {
        "id": order_id,
        "placed_at": "2026-11-20T09:30:00+01:00",
        "currency": "EUR",
        "total": "64.70",
        "taxes_included": True,
        "tax_total": "10.33",
        "shipping_total": "4.90",
        "lines": [{"id": "1", "sku": "MUG", "title": "Mug", "quantity": 2, "unit_price": "29.90"}],
        **changes,
    }


@dataclass
class Caller:
    """Somebody with a key, or without one."""

    client: Client
    plain: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.plain}"} if self.plain else {}

    def get(self, path: str, *, if_none_match: str = "", **query: Any) -> Any:
        headers = self.headers | ({"If-None-Match": if_none_match} if if_none_match else {})
        return self.client.get(f"/api/v1/{path}", query, headers=headers)

    def write(self, path: str, body: Any = None, key: str | None = "k") -> Any:
        headers = {**self.headers, **({} if key is None else {"Idempotency-Key": key})}
        raw = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        return self.client.post(
            f"/api/v1/{path}", raw, content_type="application/json", headers=headers
        )

    def place(self, body: Any, key: str | None = None, **headers: str) -> Any:
        raw = body if isinstance(body, bytes | str) else json.dumps(body)
        told = {**self.headers, **headers}
        if key is not None:
            told["Idempotency-Key"] = key
        return self.client.post(
            "/api/v1/orders", raw, content_type="application/json", headers=told
        )


@pytest.fixture
def client() -> Client:
    """From an address of its own: what is counted per address is counted per test."""
    address = ".".join(str(random.randint(1, 254)) for _ in range(4))
    return Client(REMOTE_ADDR=address)


def make_shop(slug: str) -> Connection:
    channel = Channel.objects.create(code=slug, name=slug.title())
    return Connection.objects.create(
        slug=slug, name=slug.title(), system="custom", role=Connection.Role.SHOP, channel=channel
    )


@pytest.fixture
def shop(db: None) -> Connection:
    return make_shop("webshop")


@pytest.fixture
def other_shop(db: None) -> Connection:
    return make_shop("outlet")


def make_key(shop: Connection, *scopes: str, **options: Any) -> IssuedKey:
    return create_api_key(
        connection_id=shop.pk, name="Test", scopes=scopes or EVERYTHING, **options
    )


@pytest.fixture
def caller(client: Client, shop: Connection) -> Caller:
    return Caller(client, make_key(shop).plain)


@pytest.fixture
def stranger(client: Client, other_shop: Connection) -> Caller:
    """A good key, of the other shop."""
    return Caller(client, make_key(other_shop).plain)


@pytest.fixture
def make_order(shop: Connection) -> Callable[..., Order]:
    item = Item.objects.create(sku="MUG", name="Mug")
    assert shop.channel is not None
    channel = shop.channel

    def make(external_id: str, state: str = "ACCEPTED", **columns: Any) -> Order:
        canonical = read_order(body_of(external_id))
        order = Order.objects.create(
            channel=channel,
            external_id=external_id,
            reference=f"{shop.slug}-{external_id}",
            state=state,
            accepted_at=NOW,
            trace_id=uuid.uuid4(),
            **{**snapshot_fields(canonical), **columns},
        )
        OrderLine.objects.create(
            order=order,
            external_id="1",
            kind="GOODS",
            item=item,
            sku="MUG",
            title="Mug",
            quantity=2,
            unit_price=Decimal("29.90"),
            total=Decimal("59.80"),
        )
        return order

    return make


def soon(minutes: int = 60) -> datetime:
    return NOW + timedelta(minutes=minutes)
