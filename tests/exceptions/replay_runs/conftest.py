"""Many effects that stopped, a system whose fault can be mended, and a run of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from connectors.registry import SINKS
from exceptions.models import ExceptionCase, ReplayRun
from exceptions.services.select_cases import select_cases
from exceptions.services.start_run import start_run
from tests.exceptions.conftest import Stopped
from tests.exceptions.runs import Clock, Erp


@pytest.fixture
def netsuite(monkeypatch: pytest.MonkeyPatch) -> Erp:
    sink = Erp(refusal="Sign-in rejected.")
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
