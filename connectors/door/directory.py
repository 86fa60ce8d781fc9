"""Who may knock, and with which secrets? Read from the rows, remembered for a few seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.db import Error, connection
from django.utils import timezone

from connectors.door.batcher import StoreUnavailable
from connectors.models import Connection
from connectors.registry import SOURCES
from connectors.services.credentials import valid_secrets
from connectors.systems.base import Source

FRESH_SECONDS = 5.0
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

    async def find(self, slug: str) -> Knocker | None:
        """The connection, or None. A database that is away keeps what was known."""
        known = self._known.get(slug)
        if known is not None and time.monotonic() - known[1] < FRESH_SECONDS:
            return known[0]
        try:
            knocker = await sync_to_async(_read, thread_sensitive=False)(slug)
        except Error as error:
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
        self._known.pop(slug, None)
        return await self.find(slug)


def _read(slug: str) -> Knocker | None:
    try:
        row = Connection.objects.filter(slug=slug, is_active=True).only("pk", "system").first()
        if row is None or row.system not in SOURCES:
            return None
        secrets = valid_secrets(connection_id=row.pk, now=timezone.now()).get(SECRET, [])
        return Knocker(row.pk, SOURCES[row.system], tuple(secrets), time.monotonic())
    finally:
        connection.close()
