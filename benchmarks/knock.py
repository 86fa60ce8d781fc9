"""A cheap client in a process of its own: signs first, then knocks over keep-alive connections.

Reads what to do as JSON from its arguments, prints what came of it as JSON.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import cast

import uvloop

from benchmarks.estate import order_bodies
from benchmarks.measure import percentile

BODY_LINES = 3  # an order of three lines has about 9 kB


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Where to knock, how often and how many at once."""

    port: int
    path: str
    secret: str
    requests: int  # at most so many …
    seconds: float  # … and none is begun after this long
    clients: int
    first: int  # the number of the first order, so that no round repeats another's


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the server said and how long it took."""

    per_second: float
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int]


class Client(asyncio.Protocol):
    """One connection: sends its next request as soon as the last is answered."""

    def __init__(self, requests: deque[bytes], latencies: list[float], statuses: Counter[str]):
        self._requests, self._latencies, self._statuses = requests, latencies, statuses
        self.until = 0.0
        self._sent_at, self._answer = 0.0, b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def knock(self) -> None:
        self._sent_at = time.perf_counter()
        if not self._requests or self._sent_at > self.until:
            self._transport.close()
            self.done.set_result(None)
            return
        request = self._requests.popleft()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < _content_length(head):
            return
        self._latencies.append(time.perf_counter() - self._sent_at)
        self._statuses[head[9:12].decode()] += 1
        self._answer = b""
        self.knock()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server hung up"))


def _content_length(head: bytes) -> int:
    start = head.lower().index(b"content-length:") + 15
    return int(head[start:].partition(b"\r\n")[0])


def signed_requests(plan: Plan) -> Iterator[bytes]:
    """Distinct requests, ready to be written to a socket."""
    secret = plan.secret.encode()
    templates = list(order_bodies(20, lines=BODY_LINES))
    for number in range(plan.first, plan.first + plan.requests):
        # The id stands at the top; another one of as many digits makes another order.
        _, _, rest = templates[number % len(templates)].partition(b",")
        body = b'{"id":%d,%s' % (6_120_000_000_000 + number, rest)
        signature = base64.b64encode(hmac.digest(secret, body, hashlib.sha256))
        yield b"POST %s HTTP/1.1\r\n%s\r\n\r\n%s" % (
            plan.path.encode(),
            b"\r\n".join(_headers(plan, number, signature, len(body))),
            body,
        )


def _headers(plan: Plan, number: int, signature: bytes, length: int) -> list[bytes]:
    """What Shopify sends with a webhook."""
    return [
        b"Host: 127.0.0.1:%d" % plan.port,
        b"User-Agent: Shopify-Captain-Hook",
        b"Content-Type: application/json",
        b"Content-Length: %d" % length,
        b"Accept: */*",
        b"X-Shopify-Topic: orders/create",
        b"X-Shopify-Hmac-Sha256: " + signature,
        b"X-Shopify-Shop-Domain: demo-de.myshopify.example",
        b"X-Shopify-Api-Version: 2026-07",
        b"X-Shopify-Webhook-Id: 5a1e4c0e-0000-4000-8000-%012d" % number,
        b"X-Shopify-Event-Id: 7c2f5d1f-0000-4000-8000-%012d" % number,
        b"X-Shopify-Triggered-At: 2026-11-20T09:30:00.123456789Z",
    ]


async def knock(plan: Plan, requests: deque[bytes]) -> Told:
    """Send everything; returns when the last is answered."""
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    clients = [
        (
            await loop.create_connection(
                lambda: Client(requests, latencies, statuses), "127.0.0.1", plan.port
            )
        )[1]
        for _ in range(plan.clients)
    ]
    started = time.perf_counter()
    for client in clients:
        client.until = started + plan.seconds
        client.knock()
    await asyncio.gather(*(client.done for client in clients))
    seconds = time.perf_counter() - started
    latencies.sort()
    return Told(
        per_second=len(latencies) / seconds,
        p50_ms=percentile(latencies, 0.50) * 1000,
        p99_ms=percentile(latencies, 0.99) * 1000,
        statuses=dict(statuses),
    )


if __name__ == "__main__":
    plan = Plan(**json.loads(sys.argv[1]))
    told = uvloop.run(knock(plan, deque(signed_requests(plan))))
    sys.stdout.write(json.dumps(asdict(told)))
