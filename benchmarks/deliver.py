"""Owed effects to a warehouse over HTTP: claim, send, settle, and the journal of attempts.

The limit sends the same bytes to the same sink by as many threads with one keep-alive httpx client,
and remembers nothing. The peer is one task per effect: lock the row, send, save.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from benchmarks.estate import empty, order_bodies, prepare
from benchmarks.measure import Report, Sample, compare, percentile, report
from benchmarks.orders import fill, take
from benchmarks.servers import Server, serving
from connectors.lifecycle import Criticality
from connectors.models import Attempt, Connection, ExternalReference, OutboundMessage
from connectors.services.deliver import deliver_batch
from connectors.services.enqueue import Effect, enqueue_effects
from connectors.systems.base import IntentKind
from orders.models import FulfillmentOrder, OrderEvent
from retailhub.celery import spare_the_collector

SLUG = "wms-berlin"
CONCURRENCY = 16
BATCH = 32  # as the drains ask for
TABLES = (
    *("connectors_outboundmessage", "connectors_attempt", "connectors_externalreference"),
    "retailhub_liveevent",
)


def run(*, quick: bool) -> Report:
    """The whole comparison."""
    prepare()
    spare_the_collector()
    effects = _owed(320 if quick else 1_200)
    with serving("benchmarks.sink:warehouse") as sink:
        _aim_at(sink)
        contestants: dict[str, Callable[[], Sample]] = {
            "ours": partial(_round, effects, _deliver),
            "limit": partial(_send_bare, sink, effects),
            "peer": partial(_round, effects[: len(effects) // 8], _deliver_one_by_one),
        }
        return report("deliver", compare(contestants, rounds=5 if quick else 9, say=print))


def _owed(orders: int) -> list[Effect]:
    """What the warehouse is owed for so many orders, which stay where they are."""
    fill(list(order_bodies(orders)))
    take()
    rows = OutboundMessage.objects.filter(kind=IntentKind.RELEASE_FULFILLMENT.value).order_by("pk")
    return [
        Effect(
            connection_id=row.connection_id,
            kind=IntentKind(row.kind),
            reference=row.reference,
            lane=row.lane,
            payload=row.payload,
            trace_id=row.trace_id,
            order_id=row.order_id,
        )
        for row in rows
    ]


def _aim_at(sink: Server) -> None:
    Connection.objects.filter(slug=SLUG).update(
        base_url=f"http://127.0.0.1:{sink.port}",
        rate_per_second=1e6,
        burst=1_000_000,
        concurrency=CONCURRENCY,
    )


def _round(effects: list[Effect], deliver: Callable[[], None]) -> Sample:
    _owe_again(effects)
    started, spent = time.perf_counter(), time.process_time()
    deliver()
    seconds, spent = time.perf_counter() - started, time.process_time() - spent
    sent = OutboundMessage.objects.filter(state="SENT").exclude(external_id="").count()
    count = len(effects)
    if sent != count or Attempt.objects.filter(outcome="SENT").count() != count:
        raise RuntimeError(f"{sent} of {count} effects were sent")
    took = sorted(row.milliseconds or 0 for row in Attempt.objects.all())
    return Sample(
        count / seconds,
        p50_ms=percentile(took, 0.5),
        p99_ms=percentile(took, 0.99),
        cpu_ms_per_item=spent * 1000 / count,
    )


def _owe_again(effects: list[Effect]) -> None:
    empty(*TABLES)
    FulfillmentOrder.objects.update(request_status="UNSUBMITTED", external_id="")
    OrderEvent.objects.filter(kind="released").delete()
    enqueue_effects(effects, now=timezone.now())
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")


def _deliver() -> None:
    """What a worker does when it is rung."""
    everything = list(Criticality)
    while deliver_batch(criticalities=everything, limit=BATCH, now=timezone.now()):
        pass


def _deliver_one_by_one() -> None:
    due = OutboundMessage.objects.filter(state="READY").order_by("pk")
    for pk in list(due.values_list("pk", flat=True)):
        _deliver_one(pk)


@transaction.atomic
def _deliver_one(pk: int) -> None:
    message = OutboundMessage.objects.select_for_update(of=("self",)).get(pk=pk)
    began = time.monotonic()
    message.state = "SENDING"
    message.save()
    answer = httpx.post(
        f"{message.connection.base_url}/v1/outbound-orders", json=message.payload, trust_env=False
    )
    told = answer.raise_for_status().json()
    message.state, message.external_id = "SENT", told["id"]
    message.finished_at = timezone.now()
    message.save()
    Attempt.objects.create(
        message=message,
        number=1,
        lease_token=0,
        outcome="SENT",
        response=told,
        milliseconds=int((time.monotonic() - began) * 1000),
    )
    ExternalReference.objects.create(
        connection=message.connection,
        kind=message.kind,
        reference=message.reference,
        external_id=message.external_id,
    )


def _send_bare(sink: Server, effects: list[Effect]) -> Sample:
    bodies = [json.dumps(effect.payload).encode() for effect in effects]
    headers = {"Content-Type": "application/json", "Authorization": "Bearer benchmark"}
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{sink.port}", trust_env=False) as client,
        ThreadPoolExecutor(CONCURRENCY) as threads,
    ):
        started = time.perf_counter()
        send = partial(client.post, "/v1/outbound-orders", headers=headers)
        for answer in threads.map(lambda body: send(content=body), bodies):
            answer.raise_for_status().json()
        return Sample(len(bodies) / (time.perf_counter() - started))
