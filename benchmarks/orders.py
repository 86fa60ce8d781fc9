"""From the inbox to allocated, outbox rows included: one worker process and its own PostgreSQL.

The limit writes the very same rows into the same tables in the same batches and transactions, by
hand: COPY and set-based statements in psycopg, the values given. It reads no body, maps nothing and
decides nothing.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from functools import partial

from django.apps import apps
from django.db import connection as database
from django.utils import timezone

from benchmarks.by_hand import ByHand
from benchmarks.estate import empty, order_bodies, prepare
from benchmarks.measure import Report, Sample, compare, report
from benchmarks.naive import take_one_by_one
from connectors.models import Connection, OutboundMessage
from connectors.registry import SOURCES
from connectors.services.process import process_batch
from connectors.services.receive import Delivery, receive_messages
from orders.drains import advance_orders
from orders.models import Order
from retailhub.celery import spare_the_collector

SLUG = "shopify-de"
BATCH = 100
TABLES = (
    "connectors_inboundmessage",
    "connectors_inboundkey",
    "connectors_outboundmessage",
    "orders_order",
    "orders_customer",
    "inventory_reservation",
    "inventory_stockmovement",
    "inventory_stocksignal",
    "retailhub_liveevent",
)


def run(*, quick: bool) -> Report:
    """The whole comparison."""
    prepare()
    spare_the_collector()

    bodies = list(order_bodies(300 if quick else 1_500))
    few = bodies[: len(bodies) // 10]
    _round(bodies, take)
    by_hand, everything = ByHand.of_what_is_there(BATCH), _row_counts()
    contestants: dict[str, Callable[[], Sample]] = {
        "ours": partial(_round, bodies, take),
        "limit": partial(_round, bodies, by_hand.write),
        "peer": partial(_round, few, take_one_by_one),
    }
    contestants["limit"]()
    if (by_limit := _row_counts()) != everything:
        raise RuntimeError(f"by hand {by_limit} were written, not {everything}")
    rounds = compare(contestants, rounds=5 if quick else 9, say=print)
    print(f"memory: {_megabytes():.0f} MB at most, with the orders of all rounds in it")
    return report("orders", rounds)


def _round(bodies: list[bytes], take: Callable[[], None]) -> Sample:
    fill(bodies)
    started, spent = time.perf_counter(), time.process_time()
    take()
    seconds, spent = time.perf_counter() - started, time.process_time() - spent
    _check(len(bodies))
    return Sample(len(bodies) / seconds, cpu_ms_per_item=spent * 1000 / len(bodies))


def fill(bodies: list[bytes]) -> None:
    """These orders in the inbox, and nothing else anywhere."""
    empty(*TABLES)
    shop = Connection.objects.get(slug=SLUG)
    deliveries = []
    for number, body in enumerate(bodies):
        headers = {"x-shopify-topic": "orders/create", "x-shopify-event-id": f"event-{number}"}
        envelope = SOURCES[shop.system].open(headers, body)
        deliveries.append(Delivery(connection_id=shop.pk, envelope=envelope, body=body))
    receive_messages(deliveries)
    with database.cursor() as cursor:
        cursor.execute("UPDATE inventory_stocklevel SET reserved = 0, on_hand = 1000000")
        cursor.execute("ANALYZE")


def take() -> None:
    """What a worker does when it is rung."""
    while process_batch(limit=BATCH, now=timezone.now()):
        pass
    advance_orders()


def _check(count: int) -> None:
    placed = Order.objects.filter(state="ALLOCATED").count()
    owed = OutboundMessage.objects.count()
    if placed != count or owed < 2 * count:
        raise RuntimeError(f"{placed} of {count} orders were allocated, {owed} effects are owed")


def _row_counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in apps.get_models()}


def _megabytes() -> float:
    # Linux counts in kilobytes, macOS in bytes.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)
