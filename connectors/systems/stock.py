"""What must a system that sells be able to do? It is told stock, and shows what it believes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from connectors.systems.base import Account, CodeBook, Intent, IntentKind, Sink
from connectors.systems.http import HttpClient

STOCK_KINDS = frozenset({IntentKind.PUBLISH_STOCK, IntentKind.CONFIRM_STOCK})


@dataclass(frozen=True, kw_only=True)
class Look:
    """Which of our SKUs to look at, and at which of our locations."""

    skus: Sequence[str]
    places: Sequence[str]
    codes: CodeBook
    trace_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often one operation may be called, where a vendor counts each by itself."""

    operation: str
    per_second: float
    burst: int


@runtime_checkable
class StockSink(Sink, Protocol):
    """A sink that sells: it is told stock, and shows what it believes."""

    # How many SKUs one read asks for at most.
    observed_at_once: int

    def entries_at_once(self, waiting: int) -> int:
        """How many numbers the next call should carry when so many wait."""

    def rate_of(self, intent: Intent) -> Rate | None:
        """The limit of the operation an intent comes to, if it has one of its own."""

    def observe(
        self, http: HttpClient, account: Account, asked: Look
    ) -> Mapping[str, Mapping[str, int]]:
        """What is shown for each of our SKUs, by our location code ("" where it has no nodes).

        What the system does not know is left out. A read, never a write.
        """


def rate_of(sink: Sink, intent: Intent) -> Rate | None:
    """The limit of the operation that `intent` comes to, where the vendor counts it by itself."""
    if intent.kind in STOCK_KINDS and isinstance(sink, StockSink):
        return sink.rate_of(intent)
    return None
