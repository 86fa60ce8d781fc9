"""A system that can only be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from connectors.registry import SINKS
from connectors.systems.base import Account, Intent, IntentKind, Receipt
from connectors.systems.http import HttpClient, RemoteUnavailable


@dataclass
class Ledger:
    """A system that is only ever read here: what it has, and whether it answers."""

    has: dict[str, str] = field(default_factory=dict)
    is_away: bool = False
    asked: list[str] = field(default_factory=list)
    kinds: frozenset[IntentKind] = frozenset(IntentKind)
    repeatable: frozenset[IntentKind] = frozenset()

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        """Nothing may be sent by a look."""
        raise AssertionError(f"{intent.effect_key} was sent")

    def look_up(self, http: HttpClient, account: Account, intent: Intent) -> Receipt | None:
        """What is there."""
        self.asked.append(intent.effect_key)
        if self.is_away:
            raise RemoteUnavailable("NetSuite did not answer.")
        found = self.has.get(intent.effect_key)
        return Receipt(external_id=found) if found else None

    def probe(self, http: HttpClient, account: Account) -> Sequence[tuple[str, str]]:
        """It answers."""
        return []


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    sink = Ledger()
    monkeypatch.setitem(SINKS, "netsuite", sink)
    return sink
