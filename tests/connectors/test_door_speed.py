"""What the door does once for everybody, and what it must not leave out for that."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from connectors.door import batcher, directory
from connectors.door.batcher import Batcher
from connectors.door.directory import Directory, Knocker
from connectors.registry import SOURCES
from connectors.tasks import drain_inbox


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which connections were read from their rows."""
    read: list[str] = []

    def look(slug: str) -> Knocker:
        read.append(slug)
        time.sleep(0.02)
        return Knocker(1, SOURCES["shopify"], ("secret",), time.monotonic())

    monkeypatch.setattr(directory, "_read", look)
    return read


@pytest.mark.asyncio
async def test_many_who_knock_at_once_share_one_look_at_the_rows(reads: list[str]) -> None:
    known = Directory()

    found = await asyncio.gather(*(known.find("shop") for _ in range(50)))

    assert reads == ["shop"]
    assert len(set(map(id, found))) == 1


@pytest.mark.asyncio
async def test_a_stale_answer_counts_while_it_is_read_again_but_not_an_old_one(
    reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Directory()
    first = await known.find("shop")

    monkeypatch.setattr(directory, "FRESH_SECONDS", 0.0)
    assert await known.find("shop") is first
    await asyncio.sleep(0.1)
    second = await known.find("shop")
    assert second is not first

    monkeypatch.setattr(directory, "STALE_SECONDS", 0.0)
    await asyncio.sleep(0.1)
    assert await known.find("shop") not in {first, second}


@pytest.mark.asyncio
async def test_what_is_committed_during_a_ring_gets_a_ring_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rung: list[float] = []

    def ring(*_: Any) -> None:
        rung.append(time.monotonic())
        time.sleep(0.05)

    monkeypatch.setattr(batcher, "ring", ring)
    monkeypatch.setattr(batcher, "RING_PAUSE_SECONDS", 0.01)
    door = Batcher(ring=drain_inbox)

    door._ring()
    await asyncio.sleep(0.02)
    for _ in range(10):
        door._ring()
    await asyncio.sleep(0.3)

    assert len(rung) == 2
