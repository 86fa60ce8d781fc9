"""Those who knock together share a commit.

While one batch is being committed, new deliveries gather into the next. No timer: a lone one waits
for nothing. A batch that fails is stored one by one, so one bad row harms nobody.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import psycopg
from celery import Task
from django.conf import settings

from connectors.services.receive import (
    RECEIVE_SQL,
    Delivery,
    Stored,
    outcome_of,
    parameters,
    waves,
)
from retailhub.kernel.failpoint import failpoint
from retailhub.kernel.work import ring

log = logging.getLogger(__name__)

MAX_BATCH = 64
WRITERS = 2
STATEMENT_SECONDS = 4  # senders give up after five
MAX_WAITING = 5000
# Under load a worker that was rung empties the inbox anyway, and a ring costs as much as ten rows.
RING_PAUSE_SECONDS = 0.05


class StoreUnavailable(Exception):
    """The message is not on record; the sender must send it again."""


@dataclass
class _Waiting:
    delivery: Delivery
    future: asyncio.Future[Stored]


class Batcher:
    """Stores deliveries through `WRITERS` connections of its own and rings for what follows."""

    def __init__(self, ring: Task[[], None]) -> None:
        self._task = ring
        self._queue: list[_Waiting] = []
        self._writers: list[asyncio.Task[None]] = []
        self._awake = asyncio.Event()
        self._owes_ring = False
        self._ringing: asyncio.Task[None] | None = None

    async def store(self, delivery: Delivery) -> Stored:
        """Return once `delivery` is committed. Raises `StoreUnavailable` when it is not."""
        if len(self._queue) >= MAX_WAITING:
            raise StoreUnavailable("too many messages are waiting to be stored")
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(delivery, future))
        self._start()
        self._awake.set()
        return await future

    async def close(self) -> None:
        """Store what waits, then stop."""
        while self._queue:
            await asyncio.sleep(0.01)
        for writer in self._writers:
            writer.cancel()
        await asyncio.gather(*self._writers, return_exceptions=True)

    def _start(self) -> None:
        self._writers = [w for w in self._writers if not w.done()]
        while len(self._writers) < WRITERS:
            self._writers.append(asyncio.create_task(self._write_for_ever()))

    async def _write_for_ever(self) -> None:
        database: psycopg.AsyncConnection | None = None
        try:
            while True:
                while not self._queue:
                    self._awake.clear()
                    await self._awake.wait()
                batch, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
                database = await self._write(batch, database)
        finally:
            if database is not None:
                await database.close()

    async def _write(
        self, batch: list[_Waiting], database: psycopg.AsyncConnection | None
    ) -> psycopg.AsyncConnection | None:
        try:
            if database is None or database.closed:
                database = await _connect()
            await _store(database, batch)
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
            log.warning("not stored, %d senders told so: %s", len(batch), type(error).__name__)
            _refuse(batch, error)
            if database is not None:
                await database.close()
            return None
        except psycopg.Error:
            log.exception("a batch of %d failed; storing one by one", len(batch))
            await _store_alone(database or await _connect(), batch)
        self._ring()
        return database

    def _ring(self) -> None:
        # One doorbell at a time: a broker that hangs must not pile up threads.
        self._owes_ring = True
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.create_task(self._ring_while_owed())

    async def _ring_while_owed(self) -> None:
        # What is committed during a ring may be missed by whom it wakes: it gets a ring of its own.
        while self._owes_ring:
            self._owes_ring = False
            await asyncio.to_thread(ring, self._task)
            await asyncio.sleep(RING_PAUSE_SECONDS)


async def _connect() -> psycopg.AsyncConnection:
    database = settings.DATABASES["default"]
    return await psycopg.AsyncConnection.connect(
        host=database.get("HOST") or None,
        port=database.get("PORT") or None,
        dbname=database["NAME"],
        user=database.get("USER") or None,
        password=database.get("PASSWORD") or None,
        connect_timeout=3,
        # The same plan serves every batch: planning anew would cost as much as a few rows.
        options=f"-c statement_timeout={STATEMENT_SECONDS * 1000} -c synchronous_commit=on"
        " -c plan_cache_mode=force_generic_plan",
        autocommit=True,
    )


async def _store(database: psycopg.AsyncConnection, batch: list[_Waiting]) -> None:
    for wave in waves([waiting.delivery for waiting in batch]):
        members = [batch[index] for index in wave]
        failpoint("door.before_insert")
        # Autocommit: the statement is the transaction, committed when it has answered.
        cursor = await database.execute(RECEIVE_SQL, parameters([m.delivery for m in members]))
        rows = await cursor.fetchall()
        failpoint("door.after_commit")
        for member, row in zip(members, rows, strict=True):
            if not member.future.done():
                member.future.set_result(outcome_of(row))


async def _store_alone(database: psycopg.AsyncConnection, batch: list[_Waiting]) -> None:
    for waiting in batch:
        if waiting.future.done():
            continue
        try:
            await _store(database, [waiting])
        except psycopg.Error as error:
            _refuse([waiting], error)


def _refuse(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(StoreUnavailable(str(error)))
