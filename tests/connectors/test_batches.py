"""A batch of orders costs the same number of questions, however many are in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from connectors.models import Connection, OutboundMessage
from connectors.registry import SOURCES
from connectors.services.process import process_batch
from connectors.services.receive import Delivery, receive_messages
from orders.models import Order
from orders.services.allocate import allocate_due_orders
from orders.services.reserve import reserve_due_orders
from retailhub.demo import seed_demo
from retailhub.sandbox.shop.basket import PLAIN_MIX
from retailhub.sandbox.shop.orders import Asked, build_order


@pytest.fixture(autouse=True)
def _estate(db: None, now: datetime) -> None:
    seed_demo(now=now, with_people=False)


def _receive(numbers: range) -> None:
    shop = Connection.objects.get(slug="shopify-de")
    deliveries = []
    for number in numbers:
        body = json.dumps(build_order(Asked(number, f"order {number}", PLAIN_MIX))).encode()
        headers = {"x-shopify-topic": "orders/create", "x-shopify-event-id": f"event-{number}"}
        envelope = SOURCES[shop.system].open(headers, body)
        deliveries.append(Delivery(connection_id=shop.pk, envelope=envelope, body=body))
    receive_messages(deliveries)


def _questions_of_a_batch(count: int, now: datetime) -> list[int]:
    asked = []
    for step in (process_batch, reserve_due_orders, allocate_due_orders):
        with CaptureQueriesContext(connection) as questions:
            assert step(limit=100, now=now) == count
        asked.append(len(questions))
    return asked


def test_a_batch_of_orders_asks_as_much_as_a_single_one(
    now: datetime, time_passes: Callable[[], None]
) -> None:
    _receive(range(1, 2))
    time_passes()
    alone = _questions_of_a_batch(1, now)
    _receive(range(2, 42))
    time_passes()
    together = _questions_of_a_batch(40, now)

    assert together == alone
    assert sum(together) < 80
    assert Order.objects.filter(state="ALLOCATED").count() == 41
    assert OutboundMessage.objects.count() == 82
