"""Which state may a case go to, and by which verb?"""

from __future__ import annotations

from enum import StrEnum


class CaseState(StrEnum):
    """Where a case stands with the people who look after it."""

    NEW = "NEW"
    CLAIMED = "CLAIMED"
    REPLAYING = "REPLAYING"
    WAITING = "WAITING"
    SNOOZED = "SNOOZED"
    RESOLVED = "RESOLVED"
    IGNORED = "IGNORED"


_S = CaseState

OPEN = frozenset({_S.NEW, _S.CLAIMED, _S.REPLAYING, _S.WAITING, _S.SNOOZED})

# verb -> (states it starts from, state it leads to)
VERBS: dict[str, tuple[frozenset[CaseState], CaseState]] = {
    "claim": (frozenset({_S.NEW, _S.CLAIMED, _S.WAITING, _S.SNOOZED}), _S.CLAIMED),
    "take_over": (frozenset({_S.NEW, _S.CLAIMED, _S.WAITING, _S.SNOOZED}), _S.CLAIMED),
    "release": (frozenset({_S.CLAIMED}), _S.NEW),
    "wait": (frozenset({_S.CLAIMED}), _S.WAITING),
    "snooze": (frozenset({_S.NEW, _S.CLAIMED}), _S.SNOOZED),
    "wake": (frozenset({_S.SNOOZED, _S.WAITING}), _S.NEW),
    "replay": (frozenset({_S.NEW, _S.CLAIMED, _S.WAITING, _S.SNOOZED}), _S.REPLAYING),
    "fail_again": (frozenset({_S.REPLAYING}), _S.CLAIMED),
    "resolve": (OPEN, _S.RESOLVED),
    "ignore": (frozenset({_S.NEW, _S.CLAIMED, _S.WAITING, _S.SNOOZED}), _S.IGNORED),
    "reopen": (frozenset({_S.RESOLVED, _S.IGNORED}), _S.NEW),
}


def allowed(verb: str, state: CaseState) -> bool:
    """True when `verb` may be used on a case in `state`."""
    return state in VERBS[verb][0]
