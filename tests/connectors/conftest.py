"""An outbox towards a system that a test scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import pytest
from django.utils import timezone

from connectors.lifecycle import Criticality
from connectors.models import Connection, OutboundMessage
from connectors.registry import SINKS
from connectors.services.deliver import deliver_batch
from connectors.services.enqueue import Effect, enqueue_effects
from connectors.systems.base import IntentKind
from retailhub.kernel.trace import new_trace_id
from tests.conftest import connect
from tests.connectors.sinks import FakeSink


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> FakeSink:
    fake = FakeSink()
    monkeypatch.setitem(SINKS, "fake", fake)
    return fake


@pytest.fixture
def target(sink: FakeSink, db: None) -> Connection:
    return connect("target", "Target", "fake", "ERP", settle_seconds=120)


class Owe(Protocol):
    def __call__(
        self, reference: str = "R1", kind: IntentKind = ..., **more: Any
    ) -> OutboundMessage: ...


@pytest.fixture
def owe(target: Connection, time_passes: Callable[[], None]) -> Owe:
    """One effect in the outbox. Asked for again, the same row."""

    def ask(
        reference: str = "R1", kind: IntentKind = IntentKind.POST_ORDER, **more: Any
    ) -> OutboundMessage:
        connection = more.pop("connection", target)
        effect = Effect(
            connection_id=connection.pk,
            kind=kind,
            reference=reference,
            lane=more.pop("lane", f"lane:{reference}"),
            payload={"reference": reference},
            trace_id=new_trace_id(),
            **more,
        )
        if enqueue_effects([effect], now=timezone.now()):
            time_passes()  # the test's transaction began before the row was made
        return OutboundMessage.objects.get(connection=connection, effect_key=effect.effect_key)

    return ask


@pytest.fixture
def deliver() -> Callable[[], int]:
    """One turn of a worker that sends everything."""

    def turn() -> int:
        return deliver_batch(criticalities=list(Criticality), limit=32, now=timezone.now())

    return turn
