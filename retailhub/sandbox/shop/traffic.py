"""The customers: they order at a steady pace, and some change their minds."""

import asyncio
import contextlib
import heapq
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from retailhub.sandbox.faults import change_settings
from retailhub.sandbox.shop.basket import Mix
from retailhub.sandbox.shop.fulfilment import ShopRefusal
from retailhub.sandbox.shop.orders import Order
from retailhub.sandbox.shop.store import ShopStore

# Seconds after the order: a change of mind comes soon, a parcel comes back late.
_CANCEL_AFTER: Final = (2.0, 20.0)
_REFUND_AFTER: Final = (90.0, 300.0)
_PAY_AFTER: Final = (5.0, 30.0)


@dataclass(frozen=True)
class TrafficSettings:
    orders_per_minute: float = 20.0
    cancel_share: float = 0.03
    refund_share: float = 0.03
    seed: int = 1


class Traffic:
    """Places orders by itself until told to stop."""

    def __init__(self, store: ShopStore, orders_per_minute: float) -> None:
        self.settings = TrafficSettings(orders_per_minute=orders_per_minute)
        self.mix = Mix()
        self._store = store
        self._luck = random.Random(self.settings.seed)  # noqa: S311
        self._placed = self._plans = 0
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._wake = asyncio.Event()

    def report(self) -> dict[str, Any]:
        return {**asdict(self.settings), "mix": asdict(self.mix), "placed": self._placed}

    def change(self, values: dict[str, Any]) -> None:
        values = dict(values)
        mix = change_settings(self.mix, values.pop("mix", {}))
        self.settings, self.mix = change_settings(self.settings, values), mix
        if "seed" in values:
            self._luck.seed(self.settings.seed)
        self._wake.set()

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        next_order = clock()
        while True:
            self._wake.clear()
            rate = self.settings.orders_per_minute
            pause = 60 / rate if rate else 3600.0
            # After a change of pace the next order waits one new pause at most.
            next_order = min(next_order, clock() + pause) if rate else clock() + pause
            while rate and next_order <= clock():
                self._place()
                next_order += pause
            while self._later and self._later[0][0] <= clock():
                heapq.heappop(self._later)[2]()
            await self._store.journal.commit()
            due = min([next_order, *(entry[0] for entry in self._later[:1])])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._wake.wait()

    def follow_up(self, order: Order) -> None:
        """What this customer will do about their order later, if anything."""
        if order["financial_status"] == "pending":
            self._plan(_PAY_AFTER, lambda: self._pay(order))
        if self._luck.random() < self.settings.cancel_share:
            self._plan(_CANCEL_AFTER, lambda: self._cancel(order))
        elif self._luck.random() < self.settings.refund_share:
            self._plan(_REFUND_AFTER, lambda: self._refund(order))

    def _place(self) -> None:
        seed = f"traffic:{self.settings.seed}:{self._store.journal.counted('order')}"
        order, _webhook_ids = self._store.place(self.mix, seed)
        self._placed += 1
        self.follow_up(order)

    def _plan(self, window: tuple[float, float], action: Callable[[], None]) -> None:
        due = asyncio.get_running_loop().time() + self._luck.uniform(*window)
        self._plans += 1
        heapq.heappush(self._later, (due, self._plans, action))

    def _pay(self, order: Order) -> None:
        if order["financial_status"] == "pending" and not order["cancelled_at"]:
            self._store.pay(order)

    def _cancel(self, order: Order) -> None:
        # Too late is an answer customers get, not a fault.
        with contextlib.suppress(ShopRefusal):
            self._store.cancel(order, "customer")

    def _refund(self, order: Order) -> None:
        """One unit of one shipped line comes back."""
        shipped = [
            line
            for line in order["line_items"]
            if line["fulfillment_status"] == "fulfilled"
            and line["current_quantity"]
            and line["requires_shipping"]
        ]
        if shipped and not order["cancelled_at"]:
            line = self._luck.choice(shipped)
            self._store.refund(order, {line["id"]: 1}, "return", "Came back")
