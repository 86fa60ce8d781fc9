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

log = logging.getLogger(__name__)

# KEYS[1] bucket; ARGV rate per second, burst. Answers the seconds to wait before the call may go.
# The level may go below zero: each caller takes a place in the queue and is told how long it is.
_TAKE = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(bucket[1]) or burst * 0.25
local at = tonumber(bucket[2]) or now
level = math.min(burst, level + math.max(0, now - at) * rate)
if level - 1 < -rate * tonumber(ARGV[3]) then return tostring(-1) end
level = level - 1
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', tostring(now))
redis.call('EXPIRE', KEYS[1], math.ceil(burst / rate) + 60)
if level >= 0 then return '0' end
return tostring(-level / rate)
"""


@lru_cache(maxsize=1)
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1.0, socket_connect_timeout=1.0)


_in_flight: dict[int, tuple[int, threading.BoundedSemaphore]] = {}
_local: dict[int, float] = {}
_lock = threading.Lock()


@contextmanager
def slot(connection: Connection) -> Iterator[None]:
    """Wait for a place in flight and a token, then hold the place.

    Raises `RemoteThrottled` when the queue for this connection is longer than `LONGEST_WAIT`: the
    row waits better than a thread.
    """
    semaphore = _semaphore(connection)
    if not semaphore.acquire(timeout=LONGEST_WAIT):
        raise RemoteThrottled(f"{connection.name} has all its calls in flight.", after=1.0)
    try:
        wait = _take(connection)
        if wait < 0:
            raise RemoteThrottled(f"{connection.name} is at its rate limit.", after=LONGEST_WAIT)
        time.sleep(wait)
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


def _take(connection: Connection) -> float:
    rate, burst = max(connection.rate_per_second, 0.01), max(connection.burst, 1)
    try:
        answer = _redis().eval(
            _TAKE, 1, f"retailhub:rate:{connection.pk}", rate, burst, LONGEST_WAIT
        )
        return float(answer)
    except redis.RedisError as error:
        log.warning(
            "no shared rate limit (%s): keeping to a local half share", type(error).__name__
        )
        return _take_local(connection.pk, rate / 2)


def _take_local(connection_id: int, rate: float) -> float:
    with _lock:
        now = time.monotonic()
        at = max(_local.get(connection_id, now), now)
        if at - now > LONGEST_WAIT:
            return -1
        _local[connection_id] = at + 1 / rate
        return at - now
