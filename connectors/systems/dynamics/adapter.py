"""Business Central as a source of stock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from connectors.systems.base import (
    Account,
    Envelope,
    Headers,
    Json,
    PollPage,
    Reading,
    SignatureInvalid,
)
from connectors.systems.dynamics.client import poll_items
from connectors.systems.dynamics.mapping import COUNT_TOPIC, read_item
from connectors.systems.http import HttpClient


class Dynamics:
    """Counts in, by asking."""

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """Nobody: its notifications are not signed, so none is believed. We ask."""
        raise SignatureInvalid("Business Central is asked, it does not knock")

    def open(self, headers: Headers, body: bytes) -> Envelope:
        """The envelope of bytes that nobody signed; `verify` lets none in."""
        key = sha256(body).hexdigest()
        return Envelope(topic="unreadable", key=key, lane=f"event:{key}")

    def read(self, topic: str, payload: Json) -> Reading:
        """The count in a polled item. Raises `MappingFailed` naming the field."""
        if topic != COUNT_TOPIC:
            return Reading(ignored=f"Business Central's topic {topic[:60]} is not read.")
        return read_item(payload)

    def poll(self, http: HttpClient, account: Account, cursor: str, since: datetime) -> PollPage:
        """One page of the items whose stock or record changed after `since`."""
        return poll_items(http, account, cursor, since)
