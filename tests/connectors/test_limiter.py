"""How hard a system is pushed: never beyond its rate, also without Redis, and never for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import redis

from connectors.models import Connection
from connectors.policy import LONGEST_WAIT
from connectors.services import limiter
from connectors.systems.http import RemoteThrottled
from tests.conftest import connect


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    limiter._local.clear()
    limiter._in_flight.clear()
    yield
    limiter._local.clear()
    limiter._in_flight.clear()


def bucket_of(connection: Connection) -> str:
    return f"retailhub:rate:{connection.pk}"


@pytest.fixture
def slow(db: None) -> Connection:
    row = connect("slow", "Slow", "fake", "ERP", rate_per_second=2, burst=8, concurrency=4)
    limiter._redis().delete(bucket_of(row))
    return row


@pytest.fixture
def slowest(db: None) -> Connection:
    """Gains a call in five seconds, in which everything here is over."""
    row = connect("slow", "Slow", "fake", "ERP", rate_per_second=0.2, burst=8, concurrency=4)
    limiter._redis().delete(bucket_of(row))
    return row


def test_a_bucket_that_is_not_there_starts_at_a_quarter(slow: Connection) -> None:
    began = time.monotonic()
    waits = [limiter._take(slow) for _ in range(4)]
    took = time.monotonic() - began + 0.01  # the bucket has a clock of its own

    assert waits[:2] == [0, 0]
    assert 0.5 - took <= waits[2] <= 0.5
    assert 1.0 - took <= waits[3] <= 1.0


def test_a_queue_of_more_than_five_seconds_sends_the_row_back(slowest: Connection) -> None:
    waits = [limiter._take(slowest) for _ in range(4)]

    assert waits[:2] == [0, 0]
    assert 0 < waits[2] <= LONGEST_WAIT
    assert waits[3] == -1
    with pytest.raises(RemoteThrottled, match="Slow is at its rate limit"), limiter.slot(slowest):
        raise AssertionError("a call went out")


def test_losing_redis_gives_no_burst(slow: Connection) -> None:
    for _ in range(4):
        limiter._take(slow)

    limiter._redis().delete(bucket_of(slow))

    assert [limiter._take(slow) for _ in range(3)][:2] == [0, 0]


class Away:
    """A Redis that is down."""

    def eval(self, *_: object) -> str:
        raise redis.ConnectionError("down")


@pytest.mark.usefixtures("no_redis")
def test_without_redis_each_process_keeps_to_half_of_the_rate(slow: Connection) -> None:
    waits = [limiter._take(slow) for _ in range(4)]

    assert waits == [0, 1, 2, 3]


@pytest.mark.usefixtures("no_redis")
def test_without_redis_nobody_waits_longer_than_a_lease_allows(slow: Connection) -> None:
    waits = [limiter._take(slow) for _ in range(12)]

    assert max(waits) <= LONGEST_WAIT
    assert waits[-1] == -1


@pytest.fixture
def no_redis(slow: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is down, and no time passes."""
    monkeypatch.setattr(limiter, "_redis", Away)
    monkeypatch.setattr(limiter, "time", SimpleNamespace(monotonic=lambda: 1_000.0))


def test_no_more_calls_are_in_flight_than_allowed(db: None) -> None:
    busy = connect("busy", "Busy", "fake", "ERP", concurrency=2)
    limiter._redis().delete(bucket_of(busy))
    inside, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def call() -> None:
        nonlocal inside, most
        with limiter.slot(busy):
            with lock:
                inside += 1
                most = max(most, inside)
            both.wait(timeout=60)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 2


def test_what_effects_leave_is_taken_at_once_and_never_their_last_quarter(
    slowest: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waited"))
    with limiter.spare_slot(slowest):
        pass

    with pytest.raises(RemoteThrottled, match="more urgent"), limiter.spare_slot(slowest):
        raise AssertionError("a call went out")

    assert limiter._take(slowest) == 0  # an effect still goes at once


def test_a_bucket_that_nobody_else_uses_fills_up_for_a_poll(db: None) -> None:
    tiny = connect("tiny", "Tiny", "fake", "SHOP", rate_per_second=20, burst=1)
    limiter._redis().delete(bucket_of(tiny))
    with pytest.raises(RemoteThrottled), limiter.spare_slot(tiny):
        raise AssertionError("a call went out")

    time.sleep(0.06)

    with limiter.spare_slot(tiny):
        pass


def test_a_poll_takes_no_place_that_is_held(db: None) -> None:
    busy = connect("busy", "Busy", "fake", "ERP", concurrency=1)

    with (
        limiter.slot(busy),
        pytest.raises(RemoteThrottled, match="all its calls in flight"),
        limiter.spare_slot(busy),
    ):
        raise AssertionError("a call went out")


@pytest.mark.usefixtures("no_redis")
def test_without_redis_a_poll_waits_for_nothing(slow: Connection) -> None:
    assert limiter._take(slow) == 0
    with pytest.raises(RemoteThrottled), limiter.spare_slot(slow):
        raise AssertionError("a call went out")


def test_a_place_is_given_back_when_the_call_fails(db: None) -> None:
    busy = connect("busy", "Busy", "fake", "ERP", concurrency=1)

    for _ in range(3):
        with pytest.raises(ZeroDivisionError), limiter.slot(busy):
            raise ZeroDivisionError
