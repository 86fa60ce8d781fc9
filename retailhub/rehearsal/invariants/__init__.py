"""What must be true after a rehearsal, whatever happened. Pure: evidence in, violations out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from retailhub.rehearsal.evidence import Evidence
from retailhub.rehearsal.invariants import effects, messages, states, stock

Check = Callable[[Evidence], Iterator[str]]


@dataclass(frozen=True)
class Invariant:
    """One promise, in words, and how to find what breaks it."""

    name: str
    promise: str
    check: Check


INVARIANTS: tuple[Invariant, ...] = (
    Invariant("I1", "no acknowledged webhook is lost", messages.nothing_lost),
    Invariant("I2", "each message ends once, in one state", messages.ends_once),
    Invariant("I3", "each effect happened once", effects.happened_once),
    Invariant("I4", "each effect we call sent is there", effects.is_there),
    Invariant("I5", "stock is conserved, nothing is oversold", stock.conserved),
    Invariant("I6", "money is conserved to the cent", effects.money_conserved),
    Invariant("I7", "effects of an order keep their order", effects.in_order),
    Invariant("I8", "only legal transitions", states.legal),
    Invariant("I9", "each change of a case is on record", states.audited),
    Invariant("I10", "each effect leads back to a message", effects.traced),
    Invariant("I12", "nobody holds anything", states.nothing_held),
)


def violations(evidence: Evidence) -> Mapping[str, list[str]]:
    """What each invariant finds, by its name."""
    return {invariant.name: list(invariant.check(evidence)) for invariant in INVARIANTS}
