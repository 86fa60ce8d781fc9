"""A connection that is polled once a minute."""

from __future__ import annotations

import pytest

from connectors.models import Connection
from connectors.registry import SOURCES
from connectors.services import limiter
from tests.conftest import connect
from tests.connectors.poll.sources import FakeSource


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    fake = FakeSource()
    monkeypatch.setitem(SOURCES, "fake", fake)
    return fake


@pytest.fixture
def polled(source: FakeSource, db: None) -> Connection:
    row = connect("polled", "Polled", "fake", "SHOP", poll_seconds=60)
    limiter._redis().delete(f"retailhub:rate:{row.pk}")
    return row
