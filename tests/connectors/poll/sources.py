"""A source that answers polls as a test scripts it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime

from connectors.systems.base import (
    Account,
    Envelope,
    Headers,
    Json,
    PolledMessage,
    PollPage,
    Reading,
)
from connectors.systems.http import HttpClient


class FakeSource:
    """Answers polls as a test scripts them; empty pages after that."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, datetime]] = []
        self.script: deque[PollPage | Exception] = deque()

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """Not asked here."""

    def open(self, headers: Headers, body: bytes) -> Envelope:
        raise NotImplementedError

    def read(self, topic: str, payload: Json) -> Reading:
        return Reading(ignored="polled")

    def poll(self, http: HttpClient, account: Account, cursor: str, since: datetime) -> PollPage:
        self.asked.append((account.slug, cursor, since))
        answer = self.script.popleft() if self.script else page()
        if isinstance(answer, Exception):
            raise answer
        return answer


def page(*keys: str, cursor: str = "", wait: float = 0.0) -> PollPage:
    messages = [
        PolledMessage(envelope=Envelope(topic="t", key=key, lane=key), body=key.encode())
        for key in keys
    ]
    return PollPage(messages=messages, cursor=cursor, has_more=bool(cursor), wait=wait)
