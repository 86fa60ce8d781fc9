"""Signed 9 kB webhooks to committed rows: our door, PostgreSQL alone, and a Django view.

The limit is pgbench with as many clients, each committing both rows of one message by one prepared
statement: no reading of HTTP, no signature, no look for an earlier key.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.estate import empty, order_bodies, prepare
from benchmarks.knock import BODY_LINES, Plan
from benchmarks.measure import Report, Sample, compare, cpu_seconds, report
from benchmarks.servers import Server, pgbench, serving
from retailhub.sandbox import credentials

CLIENTS = 64
SLUG = "shopify-de"

# Keys differ by the sequence, as those of a shop do.
INSERT_SQL = """
WITH message AS (
    INSERT INTO connectors_inboundmessage
        (connection_id, topic, key, lane, body, body_sha256, headers, trace_id, event_at)
    VALUES (1, 'orders/create', :marker::text || ':' || nextval('benchmark_key'),
            '1/order/' || lastval(),
            convert_to(:body::text, 'UTF8'), decode(:sha::text, 'hex'), :headers::jsonb,
            gen_random_uuid(), now())
    RETURNING id, connection_id, topic, key, body_sha256
)
INSERT INTO connectors_inboundkey (connection_id, topic, key, body_sha256, message_id)
SELECT connection_id, topic, key, body_sha256, id FROM message;
"""

_numbers = count(1, 1_000_000)


def run(*, quick: bool) -> Report:
    """The whole comparison."""
    prepare()
    _make_sequence()
    seconds = 1 if quick else 3
    with (
        serving("retailhub.asgi:application") as ours,
        serving(
            "benchmarks.peers:django_view",
            "--factory",
            environment={"BENCHMARK_SECRET": credentials.SHOP_WEBHOOK_SECRET},
        ) as peer,
        serving("benchmarks.peers:hello") as hello,
    ):
        contestants: dict[str, Callable[[], Sample]] = {
            "ours": partial(_knock, ours, seconds),
            "limit": partial(_insert, seconds),
            "peer": partial(_knock, peer, seconds, cap=600),
        }
        if not quick:
            contestants["hello"] = partial(_knock, hello, seconds)
        return report("ingest", compare(contestants, rounds=5 if quick else 9, say=print))


def _knock(server: Server, seconds: int, cap: int = 8_000) -> Sample:
    empty("connectors_inboundmessage", "connectors_inboundkey")
    plan = Plan(
        port=server.port,
        path=f"/hooks/{SLUG}/",
        secret=credentials.SHOP_WEBHOOK_SECRET,
        requests=cap,
        seconds=seconds,
        clients=CLIENTS,
        first=next(_numbers),
    )
    before = cpu_seconds(server.pid)
    command = [sys.executable, "-m", "benchmarks.knock", json.dumps(asdict(plan))]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    after = cpu_seconds(server.pid)
    if told["statuses"].keys() != {"200"}:
        raise RuntimeError(f"not every webhook was taken in: {told['statuses']}")
    taken = told["statuses"]["200"]
    spent = None if before is None or after is None else (after - before) * 1000 / taken
    return Sample(told["per_second"], told["p50_ms"], told["p99_ms"], spent)


def _insert(seconds: int) -> Sample:
    empty("connectors_inboundmessage", "connectors_inboundkey")
    body = next(order_bodies(1, lines=BODY_LINES))
    values = {
        "body": body.decode(),
        "sha": hashlib.sha256(body).hexdigest(),
        "headers": json.dumps({"x-shopify-topic": "orders/create"}),
        "marker": "7c2f5d1f-0000-4000-8000-000000000000",
    }
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "insert.sql"
        script.write_text(INSERT_SQL)
        return Sample(pgbench(script, clients=CLIENTS, seconds=seconds, values=values))


def _make_sequence() -> None:
    from django.db import connection

    os.environ.setdefault("PGTZ", "UTC")
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE IF NOT EXISTS benchmark_key CACHE 100")
