"""Requests that come together are settled together; what one of them spoils, it spoils alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from django.db import OperationalError

from retailhub.kernel.combine import Combiner
from tests.racing import at_once


class Desk:
    """Doubles numbers; what is below zero ends the batch. The first may be held up at it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.busy = threading.Lock()
        self.all_are_there: Callable[[], bool] = lambda: True

    def settle(self, numbers: Sequence[int]) -> list[int | Exception]:
        assert self.busy.acquire(blocking=False), "two settle at the same time"
        try:
            self.batches.append(list(numbers))
            while not self.all_are_there():
                time.sleep(0.01)
            if min(numbers) < 0:
                raise ValueError(f"{min(numbers)} spoils the batch")
            return [KeyError("seven") if n == 7 else n * 2 for n in numbers]
        finally:
            self.busy.release()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_lone_request_is_settled_alone_and_at_once(desk: Desk) -> None:
    assert Combiner(desk.settle).ask(3) == 6
    assert desk.batches == [[3]]


def test_everybody_gets_their_own_answer_in_few_batches(db: None, desk: Desk) -> None:
    combiner = Combiner(desk.settle)
    desk.all_are_there = lambda: (
        len(desk.batches[0]) + len(combiner._waiting) == 64 or bool(desk.batches[1:])
    )

    ends = at_once([partial(combiner.ask, n) for n in range(100, 164)])

    assert ends == [n * 2 for n in range(100, 164)]
    assert sorted(n for batch in desk.batches for n in batch) == list(range(100, 164))
    assert len(desk.batches) <= 2  # those who met the first, and all who came meanwhile


def test_no_batch_is_larger_than_allowed(db: None, desk: Desk) -> None:
    combiner = Combiner(desk.settle, most=5)

    assert at_once([partial(combiner.ask, n) for n in range(10, 40)]) == list(range(20, 80, 2))
    assert max(map(len, desk.batches)) <= 5


def test_an_answer_may_be_an_exception(db: None, desk: Desk) -> None:
    combiner = Combiner(desk.settle)

    ends = at_once([partial(combiner.ask, n) for n in range(5, 10)])

    assert ends[:2] + ends[3:] == [10, 12, 16, 18]
    assert isinstance(ends[2], KeyError)


def test_one_that_spoils_a_batch_spoils_only_itself(db: None, desk: Desk) -> None:
    combiner = Combiner(desk.settle)

    ends = at_once([partial(combiner.ask, n) for n in (10, -1, 11, 12, 13, 14)])

    assert isinstance(ends[1], ValueError)
    assert ends[:1] + ends[2:] == [20, 22, 24, 26, 28]
    assert combiner.ask(1) == 2


def test_a_database_that_is_away_is_asked_once_per_batch(db: None) -> None:
    batches = []

    def settle(numbers: Sequence[int]) -> list[int]:
        batches.append(len(numbers))
        time.sleep(0.05)
        raise OperationalError("the server closed the connection")

    combiner = Combiner(settle)
    ends = at_once([partial(combiner.ask, n) for n in range(20)])

    assert all(isinstance(end, OperationalError) for end in ends)
    assert sum(batches) == 20


def test_who_is_ended_while_settling_leaves_nobody_waiting(db: None) -> None:
    first = threading.Event()

    def settle(numbers: Sequence[int]) -> list[int]:
        if not first.is_set():
            first.set()
            time.sleep(0.05)
            raise SystemExit
        return list(numbers)

    combiner = Combiner(settle)

    def be_ended() -> None:
        with pytest.raises(SystemExit):
            combiner.ask(0)

    ended = threading.Thread(target=be_ended)
    ended.start()
    first.wait(timeout=10)

    assert at_once([partial(combiner.ask, n) for n in range(1, 6)]) == [1, 2, 3, 4, 5]
    ended.join(timeout=10)
    assert not ended.is_alive()


def test_who_is_interrupted_while_called_passes_the_call_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    combiner = Combiner(desk.settle)
    combiner._is_led = True  # somebody is settling

    class Interrupted:
        """A bell whose sleeper is interrupted at the moment it rings."""

        def acquire(self) -> None:
            with combiner._guard:
                combiner._call_next()
            raise KeyboardInterrupt

        def release(self) -> None: ...

    original = combiner._sleep

    def sleep(turn: object) -> None:
        turn.bell = Interrupted()  # type: ignore[attr-defined]
        original(turn)  # type: ignore[arg-type]

    monkeypatch.setattr(combiner, "_sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        combiner.ask(1)

    assert not combiner._is_led
    assert combiner.ask(4) == 8
