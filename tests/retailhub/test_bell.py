"""Frames leave after the commit, without holding up who committed."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from retailhub import bell

SOON = 60.0  # nobody waits so long on a machine that has time


class Layer:
    """A channel layer whose frames can be held up, and refused."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, int]] = []
        self.refused = 0
        self.has_begun = threading.Event()
        self.may_go = threading.Event()
        self.has_sent = threading.Semaphore(0)

    async def group_send(self, _: str, frame: dict[str, Any]) -> None:
        self.has_begun.set()
        self.may_go.wait(SOON)  # holds up the bell's own thread and nobody else
        if self.refused:
            self.refused -= 1
            raise ConnectionError
        self.frames.append((frame["topic"], frame["seq"]))
        self.has_sent.release()


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Layer]:
    wait_for_silence()
    made = Layer()
    monkeypatch.setattr(bell, "get_channel_layer", lambda: made)
    yield made
    made.may_go.set()
    wait_for_silence()


def wait_for_silence() -> None:
    """What was rung before has been told: the thread that tells it outlives a test."""

    async def told() -> None:
        while bell._bell()._is_ringing:
            await asyncio.sleep(0.01)

    asyncio.run_coroutine_threadsafe(told(), bell._bell()._loop).result(SOON)


def test_what_comes_while_a_frame_is_under_way_is_told_once_with_its_newest_number(
    layer: Layer,
) -> None:
    bell.ring({"orders": 1})
    assert layer.has_begun.wait(SOON)
    for number in range(2, 500):
        bell.ring({"orders": number})
    layer.may_go.set()

    for _ in range(2):
        assert layer.has_sent.acquire(timeout=SOON)
    assert layer.frames == [("orders", 1), ("orders", 499)]


def test_a_refused_frame_holds_up_no_other(layer: Layer, caplog: pytest.LogCaptureFixture) -> None:
    layer.refused = 1
    layer.may_go.set()
    bell.ring({"orders": 1})
    bell.ring({"queue": 2})

    assert layer.has_sent.acquire(timeout=SOON)
    # Rung together, either may be the one that is refused.
    assert layer.frames in ([("queue", 2)], [("orders", 1)])
    assert [record.getMessage() for record in caplog.records] == ["hint lost (ConnectionError)"]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_worker_s_child_rings_with_a_thread_of_its_own(layer: Layer) -> None:
    layer.may_go.set()
    bell.ring({"orders": 1})
    assert layer.has_sent.acquire(timeout=SOON)

    def ring_there() -> None:
        bell.ring({"orders": 2})
        raise SystemExit(0 if layer.has_sent.acquire(timeout=SOON) else 1)

    child = multiprocessing.get_context("fork").Process(target=ring_there)
    child.start()
    child.join(2 * SOON)

    assert child.exitcode == 0
