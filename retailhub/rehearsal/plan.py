"""What will happen in a rehearsal: all of it follows from the numbers and the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

BROKEN = ("blind_retry", "no_fence", "no_dedup", "ack_before_commit", "no_lane")

# Of the calls that change something: how many answers are ambiguous, refused or throttled.
AMBIGUOUS = {"error_5xx_after": 0.1, "lost_response": 0.1, "late_apply": 0.1}
REFUSALS = {"error_5xx_before": 0.04, "error_429": 0.04}
# What it takes for a planted bug to bite: without lanes, effects that must be tried again.
WEATHER = {"no_lane": {"error_5xx_before": 0.2, "error_429": 0.2}}
# Without fences, workers that come back late. The other bugs bite at once or never.
PAUSES = {"no_fence": 4}
# And each in its time: on a busy machine a lost answer is slow to be asked for again.
PATIENCE = {"no_fence": 20.0, "blind_retry": 45.0}
BITES_WITHIN = 8.0
DUPLICATES = 0.3
SHUFFLED = 0.3

# Compressed time. A late effect lands well before the settle time is over.
TIMEOUT_SECONDS = 1.5
LATE_SECONDS = 1.0
SETTLE_SECONDS = 3.0
TIME_SCALE = 0.15


class Strike(StrEnum):
    """Something the nemesis does once."""

    CHILD = "kill a worker's child"
    HOLDER = "kill the child that holds a lease"
    MAIN = "kill a worker with its children"
    WEB = "kill the web process"
    FLUSH = "flush Redis"
    CRASH = "crash PostgreSQL"
    PAUSE = "stop a worker past its leases"


KILLS = frozenset({Strike.CHILD, Strike.HOLDER, Strike.MAIN})


@dataclass(frozen=True)
class Planned:
    """A strike and when it is due, in seconds after the first order."""

    at: float
    strike: Strike


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The size of a rehearsal. `calm` leaves out every fault: is the road itself free?"""

    orders: int
    kills: int
    seed: int
    broken: str = ""
    rate: float = 10.0
    budget_seconds: float = 600.0
    calm: bool = False

    @property
    def delivery_seconds(self) -> float:
        """How long the producer takes for the first delivery of every order."""
        return self.orders / self.rate

    @property
    def failpoints(self) -> str:
        """Some calls hesitate before they go out: one that is stopped then wakes up too late."""
        share = 0.25 if self.broken == "no_fence" else 0.01
        return "" if self.calm else f"outbox.before_send=sleep:{share}"

    @property
    def patience_seconds(self) -> float:
        """How long it may take to come to rest. What a planted bug broke may never."""
        if not self.broken:
            return self.budget_seconds
        return min(self.budget_seconds, PATIENCE.get(self.broken, BITES_WITHIN))

    @property
    def storm_seconds(self) -> float:
        """How long the storm goes on after the last order came in, at most."""
        return min(self.patience_seconds, 120.0)

    @property
    def faults(self) -> dict[str, float]:
        """What the simulated systems do to our calls and their webhooks."""
        if self.calm:
            return {}
        shares = AMBIGUOUS | REFUSALS | WEATHER.get(self.broken, {})
        return shares | {
            "late_apply_s": LATE_SECONDS,
            "retry_after_s": 0.5,
            "duplicate_delivery": DUPLICATES,
            "out_of_order": SHUFFLED,
            "out_of_order_s": 1.5,
            "latency_ms": 20.0,
            "latency_jitter_ms": 15.0,
            "seed": self.seed,
        }

    def strikes(self) -> list[Planned]:
        """When what is struck, in the order of time."""
        if self.calm:
            return []
        luck = random.Random(f"{self.seed}:strikes")
        # Effects go on a while after the last order came in.
        span = self.delivery_seconds + 3.0
        due = [
            Planned(span * (number + luck.uniform(0.3, 1.0)) / self.kills, _kill(luck))
            for number in range(self.kills)
        ]
        once = ((0.35, Strike.FLUSH), (0.6, Strike.CRASH), (0.8, Strike.WEB))
        due += [Planned(span * share, strike) for share, strike in once]
        pauses = PAUSES.get(self.broken, 0) if self.broken else 1 + self.orders // 1000
        due += [Planned(span * (number + 0.5) / pauses, Strike.PAUSE) for number in range(pauses)]
        return sorted(due, key=lambda planned: planned.at)


def _kill(luck: random.Random) -> Strike:
    return luck.choices((Strike.CHILD, Strike.HOLDER, Strike.MAIN), (4, 4, 2))[0]
