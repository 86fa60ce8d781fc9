"""How hard may we push a system right now? A token bucket and a bound on calls in flight.

The bucket lives in Redis, in one atomic script by Redis' own clock. A bucket that is not there
starts at a quarter, so a flush gives no burst. Without Redis each process keeps to a half share.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import redis
from django.conf import settings

from connectors.models import Connection
from connectors.policy import LONGEST_WAIT
from connectors.systems.http import RemoteThrottled
from connectors.systems.stock import Rate

log = logging.getLogger(__name__)

# KEYS[1] bucket; ARGV rate per second, burst, lowest level to leave. Answers the seconds to wait
# before the call may go, or -1. The level may go below zero: each caller takes a place in the queue
# and is told how long it is.
_TAKE = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(bucket[1]) or burst * 0.25
local at = tonumber(bucket[2]) or now
level = math.min(burst, level + math.max(0, now - at) * rate)
local goes = level - 1 >= tonumber(ARGV[3])
if goes then level = level - 1 end
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', tostring(now))
redis.call('EXPIRE', KEYS[1], math.ceil(burst / rate) + 60)
if not goes then return '-1' end
return tostring(math.max(0, -level / rate))
"""

# Whether the bucket is half full; takes nothing.
_HAS_ROOM = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'level', 'at')
if not bucket[1] then return 1 end
local level = math.min(burst, bucket[1] + math.max(0, now - bucket[2]) * rate)
if level >= math.max(1, burst * 0.5) then return 1 end
return 0
"""


@lru_cache(maxsize=1)
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1.0, socket_connect_timeout=1.0)


_in_flight: dict[int, tuple[int, threading.BoundedSemaphore]] = {}
_local: dict[str, float] = {}
_lock = threading.Lock()


@contextmanager
def slot(connection: Connection, rate: Rate | None = None) -> Iterator[None]:
    """Wait for a place in flight and a token, then hold the place; and for one of the operation's
    own, where the vendor counts each operation by itself.

    Raises `RemoteThrottled` when the queue for this connection is longer than `LONGEST_WAIT`: the
    row waits better than a thread.
    """
    with _place(connection, LONGEST_WAIT):
        waits = [_take_of(connection, rate)] if rate else []
        waits.append(_take(connection) if min(waits, default=0.0) >= 0 else -1.0)
        if min(waits) < 0:
            raise RemoteThrottled(f"{connection.name} is at its rate limit.", after=LONGEST_WAIT)
        if (pause := max(waits)) > 0:  # to sleep for no time still hands the turn to other threads
            time.sleep(pause)
        yield


@contextmanager
def spare_slot(connection: Connection) -> Iterator[None]:
    """A place and a token that no effect needs: at once, and a quarter of the bucket stays.

    Raises `RemoteThrottled` while effects leave no more than that.
    """
    with _place(connection, 0.0):
        if _take(connection, is_spare=True) < 0:
            raise RemoteThrottled(f"{connection.name} has more urgent calls to take.", after=1.0)
        yield


@contextmanager
def _place(connection: Connection, patience: float) -> Iterator[None]:
    semaphore = _semaphore(connection)
    if not semaphore.acquire(timeout=patience):
        raise RemoteThrottled(f"{connection.name} has all its calls in flight.", after=1.0)
    try:
        yield
    finally:
        semaphore.release()


def _semaphore(connection: Connection) -> threading.BoundedSemaphore:
    with _lock:
        known = _in_flight.get(connection.pk)
        if known is None or known[0] != connection.concurrency:
            known = (connection.concurrency, threading.BoundedSemaphore(connection.concurrency))
            _in_flight[connection.pk] = known
        return known[1]


def _take(connection: Connection, *, is_spare: bool = False) -> float:
    rate, burst = max(connection.rate_per_second, 0.01), max(connection.burst, 1)
    lowest = max(burst / 4 - 1, 0.0) if is_spare else -rate * LONGEST_WAIT
    patience = 0.0 if is_spare else LONGEST_WAIT
    return _take_from(str(connection.pk), rate, burst, lowest, patience)


def _take_of(connection: Connection, own: Rate) -> float:
    rate, bucket = own.per_second, f"{connection.pk}:{own.operation}"
    return _take_from(bucket, rate, own.burst, -rate * LONGEST_WAIT, LONGEST_WAIT)


def _take_from(bucket: str, rate: float, burst: int, lowest: float, patience: float) -> float:
    try:
        answer = _redis().eval(_TAKE, 1, f"retailhub:rate:{bucket}", rate, burst, lowest)
        return float(answer)
    except redis.RedisError as error:
        log.warning(
            "no shared rate limit (%s): keeping to a local half share", type(error).__name__
        )
        return _take_local(bucket, rate / 2, patience=patience)


def has_room(connection: Connection) -> bool:
    """True when a call that can wait may go: live traffic would still find half of the burst.

    Without Redis the half share that every process keeps to is slow enough.
    """
    rate, burst = max(connection.rate_per_second, 0.01), max(connection.burst, 1)
    try:
        return bool(_redis().eval(_HAS_ROOM, 1, f"retailhub:rate:{connection.pk}", rate, burst))
    except redis.RedisError:
        return True


def _take_local(bucket: str, rate: float, *, patience: float) -> float:
    with _lock:
        now = time.monotonic()
        at = max(_local.get(bucket, now), now)
        if at - now > patience:
            return -1
        _local[bucket] = at + 1 / rate
        return at - now
