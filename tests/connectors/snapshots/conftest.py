"""A warehouse that sends whole files of stock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from connectors.models import Connection
from connectors.services.snapshots import run_due_snapshots, take_snapshot
from inventory.models import SnapshotRun


def in_chunks(body: bytes, size: int = 7) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.fixture
def send(wms: Connection, now: datetime) -> Any:
    """Take a file as the warehouse's and run it."""
    numbers = iter(range(1000))

    def run(body: str | bytes, at: datetime | None = None, key: str = "") -> SnapshotRun:
        raw = body.encode() if isinstance(body, str) else body
        taken = take_snapshot(
            in_chunks(raw), connection=wms, key=key or f"k{next(numbers)}", counted_at=at or now
        )
        run_due_snapshots(now=now)
        taken.refresh_from_db()
        return taken

    return run
