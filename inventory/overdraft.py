"""Why is more promised than is there? Pure: what the ledger knows in, the cause and its words out.

A promise never exceeds what we know of, so something we learnt later is always behind it. The first
of these that explains the shortage is named: a level changed by hand, promises made between a count
and our hearing of it, a channel that offered more than there was, and else the count itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# What is heard later than this came late; sooner, two just met.
LATE = timedelta(minutes=5)
# The source of what a person typed in begins like this.
BY_HAND = "hand:"


class Cause(StrEnum):
    """What made it so."""

    HAND_EDIT = "HAND_EDIT"
    RACE = "RACE"
    LAG = "LAG"
    BUFFER = "BUFFER"
    WRONG_COUNT = "WRONG_COUNT"
    TAKEN = "TAKEN"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One movement that left too few units, and the ledger around its moment.

    `counted` is what it left at that moment, `expected` what the ledger had said of it before;
    `drift` is what the level had that no movement explains; `existed` could be offered when
    `published` was.
    """

    kind: str
    short: int
    happened_at: datetime
    heard_at: datetime
    counted: int
    expected: int
    promised_since: int = 0
    published: int = 0
    existed: int = 0
    drift: int = 0
    source: str = ""
    reason: str = ""

    @property
    def age(self) -> timedelta:
        """How long it took until we heard of it."""
        return max(self.heard_at - self.happened_at, timedelta(0))

    @property
    def is_by_hand(self) -> bool:
        return bool(self.drift) or self.source.startswith(BY_HAND)


def cause_of(evidence: Evidence) -> Cause:
    """The one cause to act on."""
    if evidence.is_by_hand:
        return Cause.HAND_EDIT
    if evidence.promised_since >= evidence.short:
        return Cause.LAG if evidence.age > LATE else Cause.RACE
    if evidence.published > evidence.existed:
        return Cause.BUFFER
    return Cause.WRONG_COUNT if evidence.kind == "COUNTED" else Cause.TAKEN


def in_words(evidence: Evidence) -> str:
    """The cause as a sentence for whoever must act."""
    return _WORDS[cause_of(evidence)](evidence)


def _hand(e: Evidence) -> str:
    if e.drift:
        return f"The level was changed outside the ledger: {e.drift:+d} that no movement explains."
    who = e.source.removeprefix(BY_HAND)
    return f"{who} changed the stock by hand from {e.expected} to {e.counted}{_because(e)}."


def _race(e: Evidence) -> str:
    return (
        f"{e.promised_since} promised after the count of {_clock(e)} was taken,"
        f" heard {_span(e.age)} later."
    )


def _lag(e: Evidence) -> str:
    return (
        f"The news of {_clock(e)} came {_span(e.age)} late;"
        f" {e.promised_since} were promised meanwhile."
    )


def _buffer(e: Evidence) -> str:
    return (
        f"A channel offered {e.published} when {e.existed} were there. A larger buffer prevents it."
    )


def _wrong(e: Evidence) -> str:
    return (
        f"The count says {e.counted}, the ledger {e.expected}:"
        f" {abs(e.expected - e.counted)} that no movement explains."
    )


def _taken(e: Evidence) -> str:
    return f"{e.expected - e.counted} were taken off although promised{_because(e)}."


def _because(e: Evidence) -> str:
    return f" ({e.reason})" if e.reason else ""


def _clock(e: Evidence) -> str:
    return f"{e.happened_at:%d %b %H:%M %Z}"


def _span(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"


_WORDS: Mapping[Cause, Callable[[Evidence], str]] = {
    Cause.HAND_EDIT: _hand,
    Cause.RACE: _race,
    Cause.LAG: _lag,
    Cause.BUFFER: _buffer,
    Cause.WRONG_COUNT: _wrong,
    Cause.TAKEN: _taken,
}
