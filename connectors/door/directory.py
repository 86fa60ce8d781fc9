"""Who may knock, and with which secrets? Read from the rows, remembered for a few seconds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.db import Error, connection
from django.utils import timezone

from connectors.door.batcher import StoreUnavailable
from connectors.errors import ConnectionUnusable
from connectors.models import Connection
from connectors.registry import SOURCES
from connectors.services.credentials import valid_secrets
from connectors.systems.base import Source

FRESH_SECONDS = 5.0
# What is a little older still counts while it is read again; what is older than this does not.
STALE_SECONDS = 10.0
# A refused signature looks again, but a flood of them must not become a flood of queries.
RECHECK_SECONDS = 0.5
SECRET = "webhook_secret"  # noqa: S105 - the name of a credential, not one


@dataclass(frozen=True)
class Knocker:
    """A connection as the door knows it."""

    connection_id: int
    source: Source
    secrets: tuple[str, ...]
    read_at: float


class Directory:
    """Connections by slug, each remembered for `FRESH_SECONDS`; unknown ones too."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Knocker | None, float]] = {}
        self._reading: dict[str, asyncio.Task[Knocker | None]] = {}

    async def find(self, slug: str) -> Knocker | None:
        """The connection, or None. A database that is away keeps what was known."""
        known = self._known.get(slug)
        age = time.monotonic() - known[1] if known is not None else STALE_SECONDS
        if known is not None and age < FRESH_SECONDS:
            return known[0]
        reading = self._read_once(slug)
        if known is not None and age < STALE_SECONDS:
            return known[0]
        return await asyncio.shield(reading)

    def _read_once(self, slug: str) -> asyncio.Task[Knocker | None]:
        # Everybody who knocks meanwhile waits for the same look at the rows.
        reading = self._reading.get(slug)
        if reading is None:
            reading = self._reading[slug] = asyncio.create_task(self._read(slug))
            reading.add_done_callback(lambda done: self._end(slug, done))
        return reading

    def _end(self, slug: str, reading: asyncio.Task[Knocker | None]) -> None:
        self._reading.pop(slug, None)
        if not reading.cancelled():
            reading.exception()  # those who waited were told; nobody else has to be

    async def _read(self, slug: str) -> Knocker | None:
        known = self._known.get(slug)
        try:
            knocker = await sync_to_async(_read, thread_sensitive=False)(slug)
        except (Error, ConnectionUnusable) as error:
            if known is not None:
                return known[0]
            raise StoreUnavailable("connections can't be read") from error
        if len(self._known) > 1000:  # a scan of random paths must not fill the memory
            self._known.clear()
        self._known[slug] = (knocker, time.monotonic())
        return knocker

    async def refreshed(self, slug: str, knocker: Knocker) -> Knocker | None:
        """The connection read again, or None if it was read just now."""
        if time.monotonic() - knocker.read_at < RECHECK_SECONDS:
            return None
        return await asyncio.shield(self._read_once(slug))


def _read(slug: str) -> Knocker | None:
    try:
        row = Connection.objects.filter(slug=slug, is_active=True).only("pk", "system").first()
        if row is None or row.system not in SOURCES:
            return None
        secrets = valid_secrets(connection_id=row.pk, now=timezone.now()).get(SECRET, [])
        return Knocker(row.pk, SOURCES[row.system], tuple(secrets), time.monotonic())
    finally:
        connection.close()
