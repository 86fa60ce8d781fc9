"""A channel that takes stock."""

from __future__ import annotations

import pytest

from connectors import registry
from connectors.models import Connection
from connectors.systems.base import Account, Intent, Receipt
from connectors.systems.http import HttpClient
from connectors.systems.stock import Look, Rate
from inventory.models import Channel
from inventory.telling import Mode
from tests.connectors.sinks import FakeSink


class Market(FakeSink):
    """A channel that takes stock and remembers the numbers of each call."""

    observed_at_once = 10

    def __init__(self, batch: int = 250) -> None:
        super().__init__()
        self.batch = batch
        self.calls: list[dict[str, int]] = []
        self.shows: dict[str, dict[str, int]] = {}

    def entries_at_once(self, waiting: int) -> int:
        return self.batch

    def rate_of(self, intent: Intent) -> Rate | None:
        return None

    def observe(self, http: HttpClient, account: Account, asked: Look) -> dict[str, dict[str, int]]:
        return {sku: self.shows[sku] for sku in asked.skus if sku in self.shows}

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        self.calls.append({e["sku"]: e["quantity"] for e in intent.payload["entries"]})
        return super().send(http, account, intent)


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, shop: Connection) -> Market:
    """The shop hears one number of each item, on every change."""
    sink = Market()
    monkeypatch.setitem(registry.SINKS, "shopify", sink)
    Channel.objects.filter(connection=shop).update(publish_mode=Mode.CHANGE)
    return sink
