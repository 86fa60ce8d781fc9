"""Orders on record, whose effects may wait for a connection."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import Connection
from orders.models import Customer, Order
from retailhub.kernel.trace import new_trace_id

Make = Callable[..., Order]


@pytest.fixture
def order(shop: Connection) -> Make:
    """An order on record, of a customer by number."""
    assert shop.channel is not None
    channel = shop.channel

    def make(number: str, customer: str = "", **more: Any) -> Order:
        whose = None
        if customer:
            whose, _ = Customer.objects.get_or_create(channel=channel, external_id=customer)
        facts = {"currency": "EUR", "total": Decimal("10.50"), "state": "ALLOCATED", **more}
        return Order.objects.create(
            channel=channel,
            external_id=number,
            reference=f"shopify-de:{number}",
            number=f"#{number}",
            customer=whose,
            trace_id=new_trace_id(),
            placed_at=timezone.now(),
            version_at=timezone.now(),
            accepted_at=timezone.now(),
            **facts,
        )

    return make
