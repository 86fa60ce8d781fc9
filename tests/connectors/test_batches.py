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
    asked = []
    # Every other claim looks first for those who saw a worker vanish: both kinds, one and many.
    for numbers in (range(1, 2), range(2, 3), range(3, 43), range(43, 83)):
        _receive(numbers)
        time_passes()
        asked.append(_questions_of_a_batch(len(numbers), now))

    assert asked[2:] == asked[:2]
    assert max(map(sum, asked)) < 75
    assert Order.objects.filter(state="ALLOCATED").count() == 82
    assert OutboundMessage.objects.count() == 164
