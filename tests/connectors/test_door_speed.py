"""What the door does once for everybody, and what it must not leave out for that."""

from __future__ import annotations

import asyncio
import threading
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
    await read_to_the_end(known)
    second = await known.find("shop")
    assert second is not first

    await read_to_the_end(known)
    monkeypatch.setattr(directory, "STALE_SECONDS", 0.0)
    assert await known.find("shop") not in {first, second}


async def read_to_the_end(known: Directory) -> None:
    async with asyncio.timeout(60):
        while known._reading:
            await asyncio.sleep(0.01)


@pytest.mark.asyncio
async def test_what_is_committed_during_a_ring_gets_a_ring_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rings, has_begun, may_end = [], threading.Event(), threading.Event()

    def ring(*_: Any) -> None:
        rings.append("ring")
        has_begun.set()
        may_end.wait(60)

    monkeypatch.setattr(batcher, "ring", ring)
    monkeypatch.setattr(batcher, "RING_PAUSE_SECONDS", 0.01)
    door = Batcher(ring=drain_inbox)

    door._ring()
    assert await asyncio.to_thread(has_begun.wait, 60)
    for _ in range(10):
        door._ring()
    may_end.set()
    assert door._ringing is not None
    await door._ringing

    assert len(rings) == 2
