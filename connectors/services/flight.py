"""Calls on their way: begun in threads, picked up as they come back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.services.deliver import Answered, Claimed

# So long one that waits for slow calls does not look whether others could be made.
LOOK_SECONDS = 0.5


class Flight:
    """The calls of one caller. Their length is how many are away."""

    def __init__(self, threads: Executor, ask: Callable[[Claimed], Answered]) -> None:
        self._threads, self._ask = threads, ask
        self._back: SimpleQueue[Future[Answered]] = SimpleQueue()
        self._away: dict[Future[Answered], int] = {}  # and the connection of each

    def __len__(self) -> int:
        return len(self._away)

    @property
    def away(self) -> Counter[int]:
        """How many are on their way to each connection."""
        return Counter(self._away.values())

    def begin(self, claimed: Claimed) -> None:
        """Ask, in a thread of its own."""
        call = self._threads.submit(self._ask, claimed)
        self._away[call] = claimed.message.connection_id
        call.add_done_callback(self._back.put)

    def land(self, *, patience: float) -> list[Answered]:
        """What is back: waits for the first, and `patience` seconds for others.

        Empty when none is back in `LOOK_SECONDS`.
        """
        landed: list[Answered] = []
        until = time.monotonic() + LOOK_SECONDS
        while self._away:
            try:
                call = self._back.get(timeout=max(until - time.monotonic(), 0))
            except Empty:
                break
            until = until if landed else time.monotonic() + patience
            del self._away[call]
            landed.append(call.result())
        return landed
