"""Frames for open pages, from a thread that keeps its event loop and its way to Redis.

To open both anew for each transaction took as long as to write the transaction's rows.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Mapping
from functools import lru_cache

from channels.layers import get_channel_layer

log = logging.getLogger(__name__)

GROUP = "live"


def ring(topics: Mapping[str, int]) -> None:
    """Let browsers look at these topics, of which each number is the newest. Soon, and in vain
    while Redis is gone: a lost frame is found by the next heartbeat.
    """
    _bell().ring(topics)


class _Bell:
    """One frame at a time; what comes meanwhile goes into one frame per topic."""

    def __init__(self) -> None:
        self._due: dict[str, int] = {}
        self._is_ringing = False
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="bell", daemon=True).start()

    def ring(self, topics: Mapping[str, int]) -> None:
        self._loop.call_soon_threadsafe(self._note, dict(topics))

    def _note(self, topics: Mapping[str, int]) -> None:
        self._due |= topics
        if not self._is_ringing:
            self._is_ringing = True
            self._job = self._loop.create_task(self._send())

    async def _send(self) -> None:
        while self._due:
            topic, sequence = self._due.popitem()
            try:
                await _send_frame(topic, sequence)
            except Exception as error:  # a hint is never worth more than a line
                log.warning("hint lost (%s)", type(error).__name__)
        self._is_ringing = False


async def _send_frame(topic: str, sequence: int) -> None:
    # Only "look": the sockets read the rows.
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(GROUP, {"type": "live.look", "topic": topic, "seq": sequence})


@lru_cache(maxsize=1)
def _bell() -> _Bell:
    return _Bell()


# A worker's child has no threads of its parent.
os.register_at_fork(after_in_child=_bell.cache_clear)
