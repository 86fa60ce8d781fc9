"""What does it cost to let a case wait? Pure.

    harm = worth x urgency
    worth   = the value it holds, roughly in euros, and what a marketplace charges on top for being
              late; never less than its severity says
    urgency = 1 with more than a day to its deadline or promise, doubling as it comes near, 32 over

Neither a count nor an age is in it: a hundred cheap cases with time are less harmful than one dear
one that is due. Cases past their deadline come before all others, whatever they hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

# For ranking only, never for money: what one unit is roughly worth in euros.
ROUGHLY = {
    "EUR": 1.0, "USD": 0.9, "GBP": 1.15, "CHF": 1.05, "PLN": 0.23, "CZK": 0.04, "SEK": 0.09,
    "NOK": 0.085, "DKK": 0.134, "JPY": 0.006, "CAD": 0.65, "AUD": 0.6, "HUF": 0.0025, "CNY": 0.13,
}  # fmt: skip
# What a case without an order holds at least, by severity: it may stop others.
FLOOR = {1: 1.0, 2: 10.0, 3: 50.0, 4: 500.0}
# (so much time left or less, urgency), the nearest first.
STEPS = (
    (timedelta(0), 32.0),
    (timedelta(minutes=30), 16.0),
    (timedelta(hours=2), 8.0),
    (timedelta(hours=8), 4.0),
    (timedelta(hours=24), 2.0),
)


@dataclass(frozen=True, kw_only=True)
class Stake:
    """What hangs on a case. `late_percent` is what a marketplace charges for a late order."""

    severity: int
    due_at: datetime
    value: Decimal | None = None
    currency: str = ""
    promised_at: datetime | None = None
    late_percent: Decimal = Decimal(0)


@dataclass(frozen=True)
class Harm:
    """Whether the deadline has passed, what waiting costs, and when that changes by itself."""

    is_late: bool
    amount: float
    until: datetime | None


def harm_of(stake: Stake, now: datetime) -> Harm:
    """The harm of letting it wait at `now`."""
    ends = [stake.due_at] + ([stake.promised_at] if stake.promised_at else [])
    left = min(ends) - now
    urgency = next((weight for span, weight in STEPS if left <= span), 1.0)
    changes = [end - span for end in ends for span, _ in STEPS if end - span > now]
    worth = max(_worth(stake), FLOOR[stake.severity])
    return Harm(now >= stake.due_at, round(worth * urgency, 2), min(changes, default=None))


def _worth(stake: Stake) -> float:
    value = float(stake.value or 0) * ROUGHLY.get(stake.currency, 1.0)
    return value * (1 + float(stake.late_percent) / 100)
