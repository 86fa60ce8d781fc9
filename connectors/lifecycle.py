"""Which state may a message go to next? One dict per kind; nothing moves a status around it."""

from __future__ import annotations

from enum import StrEnum


class InboundState(StrEnum):
    """A message somebody sent us."""

    RECEIVED = "RECEIVED"
    PROCESSING = "PROCESSING"
    WAITING = "WAITING"  # the world was not ready; tries again by itself
    PARKED = "PARKED"  # a prerequisite is missing; has a deadline
    PROCESSED = "PROCESSED"
    SUPERSEDED = "SUPERSEDED"  # a newer version was already applied
    IGNORED = "IGNORED"
    DEAD = "DEAD"


class OutboundState(StrEnum):
    """An effect we owe another system."""

    READY = "READY"
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"  # the answer was lost; looked up after the settle time
    SENT = "SENT"
    DEAD = "DEAD"
    MANUAL = "MANUAL"  # a person must say whether it was applied
    CANCELLED = "CANCELLED"
    SUPERSEDED = "SUPERSEDED"


_I, _O = InboundState, OutboundState

INBOUND_NEXT: dict[InboundState, frozenset[InboundState]] = {
    _I.RECEIVED: frozenset({_I.PROCESSING, _I.IGNORED}),
    _I.PROCESSING: frozenset(
        {_I.PROCESSED, _I.SUPERSEDED, _I.IGNORED, _I.DEAD, _I.WAITING, _I.PARKED, _I.RECEIVED}
    ),
    _I.WAITING: frozenset({_I.PROCESSING, _I.RECEIVED}),
    _I.PARKED: frozenset({_I.PROCESSING, _I.RECEIVED, _I.SUPERSEDED, _I.DEAD, _I.IGNORED}),
    _I.DEAD: frozenset({_I.RECEIVED, _I.IGNORED}),  # only by replay, or set aside by a person
    _I.PROCESSED: frozenset(),
    _I.SUPERSEDED: frozenset(),
    _I.IGNORED: frozenset(),
}

OUTBOUND_NEXT: dict[OutboundState, frozenset[OutboundState]] = {
    # From wherever it has not ended it becomes SENT: a receipt is proof, however late it comes.
    _O.READY: frozenset({_O.SENDING, _O.SENT, _O.CANCELLED, _O.SUPERSEDED}),
    _O.SENDING: frozenset({_O.SENT, _O.READY, _O.UNKNOWN, _O.DEAD, _O.MANUAL}),
    _O.UNKNOWN: frozenset({_O.SENDING, _O.SENT, _O.READY, _O.MANUAL}),
    _O.MANUAL: frozenset({_O.SENT, _O.READY, _O.CANCELLED, _O.UNKNOWN}),
    # Else only by replay or by a person.
    _O.DEAD: frozenset({_O.READY, _O.SENT, _O.CANCELLED, _O.UNKNOWN}),
    _O.SENT: frozenset(),
    _O.CANCELLED: frozenset(),
    _O.SUPERSEDED: frozenset(),
}

INBOUND_DONE = frozenset({_I.PROCESSED, _I.SUPERSEDED, _I.IGNORED})
OUTBOUND_DONE = frozenset({_O.SENT, _O.CANCELLED, _O.SUPERSEDED})


class Criticality(StrEnum):
    """How bad is it when this waits? Decides lanes, retries and alarms."""

    P0 = "P0"  # money, and what must happen exactly once
    P1 = "P1"  # state where the newest wins
    P2 = "P2"  # master data
    P3 = "P3"  # reports
