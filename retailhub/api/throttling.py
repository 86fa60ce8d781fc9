"""How often may a key call? Never more than its limit in any minute, counted in one place.

Redis keeps the times of a caller's last calls; one script looks and takes in a single step, by
Redis' own clock. Without Redis each process counts for itself and grants a quarter.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from connectors.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView

    from retailhub.api.view import HubView

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60
LOCAL_SHARE = 4  # without Redis a process grants this fraction of the limit
STRANGER_SHARE = 10  # without a key an address is granted this fraction
REDIS_REST_SECONDS = 2.0  # after a failure Redis is left alone, so that nobody waits for it
MOST_LOCAL_CALLERS = 10_000

# KEYS[1] the caller's calls, newest first; ARGV limit, window in microseconds.
# Answers: granted (0 or 1), calls left, microseconds until the oldest call is forgotten.
_TAKE = """
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local oldest = redis.call('LINDEX', KEYS[1], -1)
while oldest and tonumber(oldest) <= now - window do
  redis.call('RPOP', KEYS[1])
  oldest = redis.call('LINDEX', KEYS[1], -1)
end
local used, granted = redis.call('LLEN', KEYS[1]), 0
if used < limit then
  redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1000)
  used, granted = used + 1, 1
end
return {granted, math.max(0, limit - used), oldest and (tonumber(oldest) + window - now) or window}
"""


@dataclass(frozen=True)
class Turn:
    """Whether a call may go, and what a caller is told about the next ones."""

    is_granted: bool
    limit: int
    remaining: int
    reset_seconds: float


class KeyThrottle(BaseThrottle):
    """One limit per key; callers without one share a small limit per address."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Take a turn, and leave it on the view for the answer's headers."""
        limit = max(settings.API_REQUESTS_PER_MINUTE, 1)
        if isinstance(request.auth, ApiKey):
            self._turn = take_turn(f"key:{request.auth.pk}", limit)
        else:
            address = request.META.get("REMOTE_ADDR", "")
            self._turn = take_turn(f"address:{address}", max(limit // STRANGER_SHARE, 1))
        cast("HubView", view).turn = self._turn
        return self._turn.is_granted

    def wait(self) -> float:
        """Seconds until the next turn."""
        return self._turn.reset_seconds


@lru_cache(maxsize=1)
def _script() -> Script:
    # A crowd waits its turn for a socket: going on without Redis would grant each process a share.
    pool = redis.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=32,
        timeout=2,
        socket_timeout=0.5,
        socket_connect_timeout=0.5,
        retry=Retry(NoBackoff(), 1),
    )
    return redis.Redis(connection_pool=pool).register_script(_TAKE)


_lock = threading.Lock()
_local: dict[str, deque[float]] = {}
_redis_rests_until = 0.0


def take_turn(caller: str, limit: int) -> Turn:
    """Take one of the `limit` calls that `caller` has in any minute."""
    global _redis_rests_until  # noqa: PLW0603 - one memory per process of whether Redis answers
    if time.monotonic() >= _redis_rests_until:
        try:
            granted, remaining, reset = _script()(
                keys=[f"retailhub:api:{caller}"], args=[limit, WINDOW_SECONDS * 1_000_000]
            )
            return Turn(granted == 1, limit, remaining, reset / 1_000_000)
        except redis.RedisError as error:
            _redis_rests_until = time.monotonic() + REDIS_REST_SECONDS
            log.warning("no shared API limit (%s): counting locally", type(error).__name__)
    return take_local_turn(caller, max(limit // LOCAL_SHARE, 1))


def take_local_turn(caller: str, limit: int) -> Turn:
    """The same within this process."""
    with _lock:
        if len(_local) > MOST_LOCAL_CALLERS:
            _forget_idle()
        now = time.monotonic()
        calls = _local.setdefault(caller, deque())
        while calls and calls[0] <= now - WINDOW_SECONDS:
            calls.popleft()
        # With too many callers to remember, a newcomer waits: unbounded memory is no limit at all.
        is_granted = len(calls) < limit and len(_local) <= MOST_LOCAL_CALLERS
        if is_granted:
            calls.append(now)
        elif not calls:
            del _local[caller]
        reset = calls[0] + WINDOW_SECONDS - now if calls else float(WINDOW_SECONDS)
        return Turn(is_granted, limit, max(limit - len(calls), 0), reset)


def _forget_idle() -> None:
    before = time.monotonic() - WINDOW_SECONDS
    for caller in [name for name, calls in _local.items() if not calls or calls[-1] <= before]:
        del _local[caller]
