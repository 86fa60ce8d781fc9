"""Every topic is read, or left unread for a reason."""

from __future__ import annotations

import pytest

from connectors.systems.shopify import Shopify
from connectors.systems.shopify.topics import ORDER_TOPICS
from orders.canonical import (
    CanonicalOrder,
)
from tests.connectors.systems.shopify.orders import order, parsed


@pytest.mark.parametrize("topic", sorted(ORDER_TOPICS))
def test_reads_every_topic_that_carries_an_order(topic: str) -> None:
    (fact,) = Shopify().read(topic, parsed(order())).facts

    assert isinstance(fact, CanonicalOrder)


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("inventory_levels/update", "it is not where stock is counted"),
        ("products/update", "The catalogue is kept in the shop"),
        ("orders/edited", "follows as orders/updated"),
        ("ghosts/appear", "unknown topic ghosts/appear"),
        ("", "unknown topic "),
    ],
)
def test_leaves_a_topic_unread_only_with_a_reason(topic: str, reason: str) -> None:
    reading = Shopify().read(topic, {})

    assert not reading.facts
    assert reason in reading.ignored
