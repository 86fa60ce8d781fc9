"""EDI as a source of stock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from connectors.systems.base import (
    Account,
    Envelope,
    Headers,
    Json,
    MappingFailed,
    PollPage,
    Reading,
)
from connectors.systems.http import HttpClient
from connectors.systems.signatures import verify_standard_webhook
from connectors.systems.x12.envelope import decoded, read_header, sender_of
from connectors.systems.x12.mapping import ADVICE, element, read_counts


class X12:
    """Counts in."""

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """Pass what the gateway signed per Standard Webhooks. Raises `SignatureInvalid`."""
        verify_standard_webhook(headers, body, secrets, now)

    def open(self, headers: Headers, body: bytes) -> Envelope:
        """The envelope, from the first three segments. Never raises for a bad body.

        The key is (sender, ISA13) and (GS06, ST02) of the first set: what is sent again keeps them.
        """
        text = decoded(body)
        try:
            header = read_header(text)
        except MappingFailed:
            key = headers.get("webhook-id") or sha256(body).hexdigest()
            return Envelope(topic="unreadable", key=key[:200], lane=f"event:{key}"[:160])
        pieces = text.split(header.terminator, 3)[1:3]
        group, first = ([*(p.strip().split(header.separator) for p in pieces), [], []])[:2]
        numbers = f"{header.at(13)}:{element(group, 6)}:{element(first, 2)}"
        key = f"{sender_of(header)}:{numbers}"[:200]
        # Counts say when they were taken, so none waits for another.
        return Envelope(
            topic=element(first, 1)[:80] or "empty",
            key=key,
            lane=f"event:{key}"[:160],
        )

    def read(self, topic: str, payload: Json) -> Reading:
        """The counts in a parsed interchange. Raises `MappingFailed` naming the segment."""
        if isinstance(payload, dict) and payload.get("is_test"):
            return Reading(ignored="A test interchange (ISA15 is T).")
        counts = read_counts(payload)
        if not counts:
            return Reading(ignored=f"No {ADVICE} that counts stock; it began with {topic[:20]}.")
        return Reading(facts=counts)

    def poll(self, http: HttpClient, account: Account, cursor: str, since: datetime) -> PollPage:
        """Nothing: the gateway brings."""
        return PollPage(messages=(), cursor="", has_more=False)
