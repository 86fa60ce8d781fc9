"""How often, how long and how hard do we try? By what it costs the business."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from connectors.lifecycle import Criticality
from connectors.systems.base import IntentKind

_SCALE: float = settings.POLICY_TIME_SCALE


@dataclass(frozen=True)
class RetryPolicy:
    """Waits between tries in seconds (the last one repeats), and when we stop hoping."""

    waits: tuple[float, ...]
    deadline: timedelta

    def wait(self, failures: int) -> float:
        """Seconds before the next try, with full jitter above half of the planned wait."""
        planned = self.waits[min(max(failures, 1), len(self.waits)) - 1]
        return planned * _SCALE * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


RETRIES: Mapping[Criticality, RetryPolicy] = {
    Criticality.P0: RetryPolicy((2, 10, 30, 120, 600, 1800, 3600), timedelta(hours=72)),
    # The newest number replaces what waits, so a call a minute is the most it ever costs, and a
    # channel that comes back is told at once. Of one that is down the breaker takes care.
    Criticality.P1: RetryPolicy((2, 10, 30, 60), timedelta(hours=1)),
    Criticality.P2: RetryPolicy((30, 300, 1800, 7200, 28800), timedelta(hours=24)),
    Criticality.P3: RetryPolicy((300, 3600, 21600), timedelta(hours=24)),
}

CRITICALITY: Mapping[IntentKind, Criticality] = {
    IntentKind.POST_ORDER: Criticality.P0,
    IntentKind.CANCEL_ORDER: Criticality.P0,
    IntentKind.POST_FULFILLMENT: Criticality.P0,
    IntentKind.RELEASE_FULFILLMENT: Criticality.P0,
    IntentKind.CANCEL_FULFILLMENT: Criticality.P0,
    IntentKind.NOTIFY_SHIPMENT: Criticality.P0,
    IntentKind.PUBLISH_STOCK: Criticality.P1,
    IntentKind.CONFIRM_STOCK: Criticality.P1,
}

# A message that its prerequisite keeps waiting for this long needs a person.
PARK_DEADLINE = timedelta(minutes=15) * _SCALE
PARK_REMINDER = timedelta(days=1)
PARKED = RetryPolicy((2, 4, 8, 16, 32, 60), timedelta(minutes=15))
# An inbound message that keeps failing for reasons of the world.
INBOUND_RETRY = RetryPolicy((1, 5, 30, 120, 600), timedelta(hours=4))
# A message that fails for a reason of ours is shown to a person after so many tries.
MAX_UNFORESEEN = 3
# Workers that a message may end, taken alone, before it is set aside.
MAX_CRASHES = 3

INBOUND_LEASE = timedelta(seconds=60) * _SCALE
# The lease outlives the longest call by more than ten seconds: a live worker is never fenced.
LEASE_MARGIN = timedelta(seconds=15) * _SCALE
# A call waits this long for its turn (a place in flight, then a token); its row waits better.
LONGEST_WAIT = 5.0 * _SCALE

# The circuit breaker (per connection).
BREAKER_CONSECUTIVE = 10
BREAKER_WINDOW_CALLS = 20
BREAKER_SHARE = 0.5
BREAKER_OPEN_SECONDS = 30.0 * _SCALE
BREAKER_OPEN_MAX_SECONDS = 600.0 * _SCALE
