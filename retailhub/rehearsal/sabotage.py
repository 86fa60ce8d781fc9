"""Bugs planted on purpose. A harness that does not find them could not find ours.

Each one takes away exactly one of the hub's defences, in the processes of a rehearsal only: they
are started through `broken_worker` and `broken_web`, so no product code knows of this module.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.door import batcher
from connectors.lifecycle import OutboundState
from connectors.models import OutboundMessage
from connectors.services import claim, deliver, process, receive, settle
from connectors.services.receive import Delivery, Intake, Stored


def plant(name: str) -> None:
    """Take away the defence called `name`."""
    _PLANTS[name]()


def _blind_retry() -> None:
    """A lost answer is simply asked for again, as most task queues do it."""

    def again(message: OutboundMessage, error: Exception, now: datetime) -> None:
        message.failures += 1
        message.must_look_up = False
        message.state, message.next_attempt_at = OutboundState.READY, now

    settle._unknown = again
    settle._MOVES[settle.O.UNKNOWN] = again


def _no_fence() -> None:
    """Whoever comes back writes, whether the lease is still theirs or not; nor is it looked at."""

    def unbounded(claimed: deliver.Claimed) -> Any:
        return deliver._call(claimed)

    settle._is_ours = lambda message, answered: True
    deliver._look_up_or_send = unbounded


def _no_dedup() -> None:
    """Every delivery is a new one."""
    honest = receive.parameters

    def forgetful(deliveries: Sequence[Delivery]) -> dict[str, list[object]]:
        fresh = [
            replace(d, envelope=replace(d.envelope, key=str(uuid.uuid4()))) for d in deliveries
        ]
        return honest(fresh)

    receive.parameters = forgetful
    batcher.parameters = forgetful  # type: ignore[attr-defined]


def _ack_before_commit() -> None:
    """The sender hears 2xx at once; the row is written when there is time."""
    honest = batcher.Batcher.store
    pending: set[asyncio.Task[Any]] = set()

    async def hasty(self: batcher.Batcher, delivery: Delivery) -> Stored:
        async def later() -> None:
            await asyncio.sleep(0.3)
            await honest(self, delivery)

        task = asyncio.create_task(later())
        pending.add(task)
        task.add_done_callback(_forget_in(pending))
        return Stored(outcome=Intake.STORED, message_id=0)

    batcher.Batcher.store = hasty  # type: ignore[method-assign]


def _forget_in(pending: set[asyncio.Task[Any]]) -> Callable[[asyncio.Task[Any]], None]:
    def forget(task: asyncio.Task[Any]) -> None:
        pending.discard(task)
        if not task.cancelled():
            task.exception()  # lost without a word: that is the bug

    return forget


def _no_lane() -> None:
    """Work is taken in any order, whatever waits before it for the same order."""
    process.CLAIM_SQL = _without_lane(process.CLAIM_SQL)
    claim.CLAIM_SQL = _without_lane(claim.CLAIM_SQL)


def _without_lane(query: str) -> str:
    if query.count("p.id < ") != 1:
        raise AssertionError("the claim is not written as it was; this bug can't be planted")
    return query.replace("p.id < ", "false AND p.id < ")


_PLANTS: dict[str, Callable[[], None]] = {
    "blind_retry": _blind_retry,
    "no_fence": _no_fence,
    "no_dedup": _no_dedup,
    "ack_before_commit": _ack_before_commit,
    "no_lane": _no_lane,
}


def plant_from_environment() -> None:
    """Plant what the rehearsal asked for."""
    plant(os.environ["REHEARSAL_BROKEN"])
