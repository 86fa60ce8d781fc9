"""Square as a source of store stock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors.systems.base import (
    Account,
    Envelope,
    Headers,
    Json,
    PollPage,
    Reading,
    SignatureInvalid,
)
from connectors.systems.fields import parse_moment
from connectors.systems.http import HttpClient
from connectors.systems.signatures import verify_body_hmac
from connectors.systems.square.mapping import COUNT_TOPIC, read_counts
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.json import read_json


class Square:
    """Counts in."""

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """Pass what was signed over the notification address and the raw body.

        Each secret is `<signature key> <notification address>`. The scheme signs no time.
        """
        signature = headers.get("x-square-hmacsha256-signature", "")
        for secret in secrets:
            key, _, address = secret.strip().partition(" ")
            try:
                verify_body_hmac(signature, address.strip().encode() + body, [key])
            except SignatureInvalid:
                continue
            return
        raise SignatureInvalid("no signature fits")

    def open(self, headers: Headers, body: bytes) -> Envelope:
        """The envelope, from a strict parse: events are small. Never raises for a bad body."""
        try:
            payload = read_json(body)
        except NeedsOperator:
            payload = None
        told: dict[str, Any] = payload if isinstance(payload, dict) else {}
        key = str(told.get("event_id") or sha256(body).hexdigest())[:200]
        return Envelope(
            topic=str(told.get("type") or "unreadable")[:80],
            key=key,
            # Counts say when they were taken, so none waits for another.
            lane=f"event:{key}"[:160],
            event_at=parse_moment(str(told.get("created_at") or "")),
        )

    def read(self, topic: str, payload: Json) -> Reading:
        """The counts in a parsed body. Raises `MappingFailed` naming the field."""
        if topic != COUNT_TOPIC:
            return Reading(ignored=f"Square's topic {topic[:60]} is not read.")
        counts = read_counts(payload)
        if not counts:
            return Reading(ignored="No count of what is in stock.")
        return Reading(facts=counts)

    def poll(self, http: HttpClient, account: Account, cursor: str, since: datetime) -> PollPage:
        """Nothing: Square tells."""
        return PollPage(messages=(), cursor="", has_more=False)
