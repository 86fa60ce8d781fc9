"""Many effects that stopped, a system whose fault can be mended, and a run of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User

from connectors.registry import SINKS
from connectors.systems.base import Account, Intent, Receipt
from connectors.systems.http import HttpClient, RemoteRejected
from exceptions.models import ExceptionCase, ReplayRun
from exceptions.services.select_cases import select_cases
from exceptions.services.start_run import start_run
from tests.browser.world import FakeSink
from tests.exceptions.conftest import Stopped
from tests.exceptions.runs import Clock


@dataclass
class Erp(FakeSink):
    """Refuses everything until its `refusal` is taken away; what it `refuses` by key, for ever."""

    refusal: str = "Sign-in rejected."
    refuses: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        self.asked.append(intent.effect_key)
        if intent.effect_key in self.refuses:
            raise RemoteRejected("Not this one.", status=400, answer="Not this one.")
        return super().send(http, account, intent)


@pytest.fixture
def netsuite(monkeypatch: pytest.MonkeyPatch) -> Erp:
    sink = Erp()
    monkeypatch.setitem(SINKS, "netsuite", sink)
    return sink


@pytest.fixture(autouse=True)
def _as_on_a_quick_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look takes no time, so that what a test sees does not hang on the machine."""
    monkeypatch.setattr("exceptions.services.drive_run.SLICE_SECONDS", 600.0)
    monkeypatch.setattr("exceptions.services.drive_run.REST", 0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(mia: User, clock: Clock) -> Callable[..., ReplayRun]:
    """Select every open case and start, as Mia."""

    def begin(**more: Any) -> ReplayRun:
        now = clock.now
        cases = ExceptionCase.objects.exclude(state__in=["RESOLVED", "IGNORED"])
        return start_run(scope_id=select_cases(cases, by=mia, now=now).pk, by=mia, now=now, **more)

    return begin


@pytest.fixture
def stuck(stopped_effect: Stopped) -> Callable[[int], list[ExceptionCase]]:
    return lambda count: [stopped_effect(f"R{n}") for n in range(1, count + 1)]
