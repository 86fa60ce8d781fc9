"""Carries webhooks to the hub: signed, retried with the same id, and sometimes badly."""

import asyncio
import contextlib
import heapq
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from retailhub.sandbox.faults import Faults, change_settings
from retailhub.sandbox.journal import Journal
from retailhub.sandbox.ledger import Effect
from retailhub.sandbox.post import Poster, PostFailed


@dataclass
class Delivery:
    """One webhook on its way. Its id, address and body stay the same on every attempt."""

    id: str
    url: str
    topic: str
    reference: str
    body: str
    headers: dict[str, str]
    attempts: int = 0
    is_malformed: bool = False


@dataclass(frozen=True)
class CourierSettings:
    """Eight retries over four hours in life; here the first after half a second, then doubling."""

    url: str
    first_retry_s: float = 0.5
    retries: int = 8
    concurrency: int = 16
    delete_subscription_after: int = 0
    is_paused: bool = False
    is_subscribed: bool = True
    spelling: str = "x-shopify"


@dataclass
class Lane:
    """What waits behind the first attempt at an earlier delivery about the same thing."""

    waiting: deque[Delivery] = field(default_factory=deque)


class Courier:
    """Sends what it is given until it is acknowledged or given up.

    First attempts about one reference go out in order; a retry or an out_of_order fault may be
    overtaken.
    """

    def __init__(
        self,
        journal: Journal,
        faults: Faults,
        settings: CourierSettings,
        sign: Callable[[Delivery, bytes], dict[str, str]],
    ) -> None:
        self.journal, self.faults, self.settings, self.sign = journal, faults, settings, sign
        self.counts: Counter[str] = Counter()
        self._due: list[tuple[float, int, Delivery]] = []
        self._lanes: dict[str, Lane] = {}
        self._turn = 0
        self._flying: set[asyncio.Task[None]] = set()
        self._failures_in_a_row = 0
        self._wake = asyncio.Event()
        self._poster = Poster()

    def send(self, delivery: Delivery) -> None:
        """Take a delivery on; the caller commits the journal."""
        if not self.settings.is_subscribed:
            self.counts["not_subscribed"] += 1
            return
        if self.faults.strikes("lost_delivery"):
            self.faults.land("lost_delivery", delivery.topic)
            self.journal.record(self._effect("webhook.lost", delivery))
            return
        if self.faults.strikes("malformed_body"):
            self.faults.land("malformed_body", delivery.topic)
            self._take(_broken_twin(delivery))
        self._take(delivery)
        if self.faults.strikes("duplicate_delivery"):
            self.faults.land("duplicate_delivery", delivery.topic)
            self._schedule(delivery, self.faults.delay_s("out_of_order_s"))

    async def run(self) -> None:
        """Deliver until cancelled, beginning with what an earlier run still owed."""
        for record in list(self.journal.table("deliveries").values()):
            self._enter(Delivery(**record))
        try:
            while True:
                await self._rest()
                while self._may_start():
                    self._start(heapq.heappop(self._due)[2])
        finally:
            # What is in the air is sent again after a restart, under the same id.
            for task in self._flying:
                task.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)
            await self._poster.close()

    def change(self, values: dict[str, Any]) -> None:
        self.settings = change_settings(self.settings, values)
        if values.get("is_subscribed"):
            self._failures_in_a_row = 0
        self._wake.set()

    def report(self) -> dict[str, Any]:
        pending = len(self.journal.table("deliveries"))
        return {**asdict(self.settings), "counts": dict(self.counts), "pending": pending}

    def _take(self, delivery: Delivery) -> None:
        self.journal.put("deliveries", delivery.id, dict(vars(delivery)))
        self._enter(delivery)

    def _enter(self, delivery: Delivery) -> None:
        if self.faults.strikes("out_of_order"):
            self.faults.land("out_of_order", delivery.topic)
            self._schedule(delivery, self.faults.delay_s("out_of_order_s"))
        elif delivery.reference in self._lanes:
            self._lanes[delivery.reference].waiting.append(delivery)
        else:
            self._lanes[delivery.reference] = Lane()
            self._schedule(delivery, 0)

    def _schedule(self, delivery: Delivery, delay_s: float) -> None:
        self._turn += 1
        due = asyncio.get_running_loop().time() + delay_s
        heapq.heappush(self._due, (due, self._turn, delivery))
        self._wake.set()

    def _may_start(self) -> bool:
        return bool(
            self._due
            and not self.settings.is_paused
            and len(self._flying) < self.settings.concurrency
            and self._due[0][0] <= asyncio.get_running_loop().time()
        )

    async def _rest(self) -> None:
        """Sleep until something is due, a flight lands or a setting changes."""
        self._wake.clear()
        if self._may_start():
            return
        is_held = self.settings.is_paused or len(self._flying) >= self.settings.concurrency
        timeout = None
        if self._due and not is_held:
            timeout = max(0.0, self._due[0][0] - asyncio.get_running_loop().time())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()

    def _start(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._fly(delivery))
        self._flying.add(task)
        task.add_done_callback(self._land)

    def _land(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._wake.set()

    async def _fly(self, delivery: Delivery) -> None:
        delivery.attempts += 1
        self.counts["attempts"] += 1
        # Asked before the answer: its twin may fly meanwhile, and the lane would wait for ever.
        is_first = delivery.attempts == 1
        is_acked = await self._post(delivery)
        if is_first:
            self._next_in_lane(delivery.reference)
        if is_acked:
            self._settle("webhook.acked", delivery)
        else:
            self._retry_or_give_up(delivery)
        await self.journal.commit()

    async def _post(self, delivery: Delivery) -> bool:
        body = delivery.body.encode()
        try:
            status = await self._poster.post(delivery.url, self.sign(delivery, body), body)
        except PostFailed:
            self.counts["unreachable"] += 1
            return False
        self.counts[f"answered_{status}"] += 1
        return 200 <= status < 300

    def _next_in_lane(self, reference: str) -> None:
        lane = self._lanes.get(reference)
        if lane is None:
            return
        if lane.waiting:
            self._schedule(lane.waiting.popleft(), 0)
        else:
            del self._lanes[reference]

    def _settle(self, kind: str, delivery: Delivery) -> None:
        self._failures_in_a_row = 0
        self.counts[kind] += 1
        self.journal.record(self._effect(kind, delivery))
        self.journal.drop("deliveries", delivery.id)

    def _retry_or_give_up(self, delivery: Delivery) -> None:
        self._failures_in_a_row += 1
        limit = self.settings.delete_subscription_after
        if limit and self._failures_in_a_row >= limit:
            self.change({"is_subscribed": False})
        if delivery.attempts > self.settings.retries:
            self._settle("webhook.abandoned", delivery)
            return
        delay_s = self.settings.first_retry_s * 2 ** (delivery.attempts - 1)
        self._schedule(delivery, delay_s)

    def _effect(self, kind: str, delivery: Delivery) -> Effect:
        detail: dict[str, Any] = {"topic": delivery.topic, "attempts": delivery.attempts}
        if delivery.is_malformed:
            detail["is_malformed"] = True
        return Effect(kind, delivery.reference, key=delivery.id, detail=detail)


def _broken_twin(delivery: Delivery) -> Delivery:
    """The same news under an id of its own, cut off in the middle of its JSON."""
    return replace(
        delivery,
        id=new_delivery_id(),
        headers={name: _own(name, value) for name, value in delivery.headers.items()},
        body=delivery.body[: len(delivery.body) * 2 // 3],
        is_malformed=True,
    )


def _own(name: str, value: str) -> str:
    return new_delivery_id() if name == "event-id" else value


def new_delivery_id() -> str:
    return str(uuid.uuid4())
