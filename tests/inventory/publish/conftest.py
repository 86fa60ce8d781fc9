"""A channel that hears of every change, and a source that counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from inventory.models import Channel
from inventory.services.count import record_count
from inventory.telling import Mode
from tests.conftest import Stock


@pytest.fixture
def market(db: None) -> Channel:
    """Hears one number, on every change."""
    return Channel.objects.create(code="market", name="Market", publish_mode=Mode.CHANGE)


Count = Callable[[str, int], None]


@pytest.fixture
def count(stock: Stock, now: datetime) -> Count:
    """The source says how many there are; each time a minute later."""
    minutes = iter(range(1, 1000))

    def say(sku: str, quantity: int) -> None:
        minute = next(minutes)
        level = stock(sku, quantity)
        record_count(
            item_id=level.item_id,
            location_id=level.location_id,
            quantity=quantity,
            counted_at=now - timedelta(hours=20) + timedelta(minutes=minute),
            effect_key=f"count:{sku}:{minute}",
        )

    return say
