"""A system that answers as a test scripts it, and keeps a ledger of what it applied."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from connectors.systems.base import Account, Intent, IntentKind, Receipt
from connectors.systems.http import HttpClient

Answer = Receipt | Exception | None | Callable[[Intent], Receipt]


class FakeSink:
    """Says yes to everything, unless `will_answer` or `will_find` scripted something else."""

    kinds = frozenset(IntentKind)
    repeatable: frozenset[IntentKind] = frozenset()

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.looked_up: list[str] = []
        self.probed = 0
        self._script: deque[Answer] = deque()
        self._by_key: dict[str, Answer] = {}
        self._finds: deque[Answer] = deque()
        self._probes: deque[Exception] = deque()
        self._lock = threading.Lock()

    def will_answer(self, *script: Answer) -> None:
        self._script.extend(script)

    def will_answer_to(self, effect_key: str, answer: Answer) -> None:
        self._by_key[effect_key] = answer

    def will_find(self, *script: Answer) -> None:
        self._finds.extend(script)

    def will_fail_probes(self, *errors: Exception) -> None:
        self._probes.extend(errors)

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        with self._lock:
            self.sent.append(intent.effect_key)
            script = self._script.popleft() if self._script else None
            answer = self._by_key.pop(intent.effect_key, script)
        return _given(answer, intent) or Receipt(external_id=f"ext-{len(self.sent)}")

    def look_up(self, http: HttpClient, account: Account, intent: Intent) -> Receipt | None:
        with self._lock:
            self.looked_up.append(intent.effect_key)
            answer = self._finds.popleft() if self._finds else None
        return _given(answer, intent)

    def probe(self, http: HttpClient, account: Account) -> Sequence[tuple[str, str]]:
        self.probed += 1
        if self._probes:
            raise self._probes.popleft()
        return [("Status", "ok")]


def _given(answer: Answer, intent: Intent) -> Receipt | None:
    if isinstance(answer, Exception):
        raise answer
    return answer(intent) if callable(answer) else answer
