"""Which state may a case or a replay run go to, and by which verb?"""

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
    # Given by somebody else, so it is new to whoever gets it; to claim it is to say "I am at it".
    "assign": (frozenset({_S.NEW, _S.CLAIMED, _S.WAITING, _S.SNOOZED}), _S.NEW),
    "release": (frozenset({_S.NEW, _S.CLAIMED}), _S.NEW),
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


class RunState(StrEnum):
    """Where a replay of many stands."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"  # by itself: too much failed
    CANCELLED = "CANCELLED"
    DONE = "DONE"


_R = RunState

# verb -> (states it starts from, state it leads to)
RUN_VERBS: dict[str, tuple[frozenset[RunState], RunState]] = {
    "pause": (frozenset({_R.RUNNING}), _R.PAUSED),
    "resume": (frozenset({_R.PAUSED, _R.STOPPED}), _R.RUNNING),
    "cancel": (frozenset({_R.RUNNING, _R.PAUSED, _R.STOPPED}), _R.CANCELLED),
    "stop": (frozenset({_R.RUNNING}), _R.STOPPED),
    "finish": (frozenset({_R.RUNNING}), _R.DONE),
}


class ItemState(StrEnum):
    """What became of one case of a run."""

    PENDING = "PENDING"
    SENT = "SENT"  # taken again; its end is not seen yet
    DONE = "DONE"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"  # never sent: the run was cancelled before


class Outcome(StrEnum):
    """What a replay can do with a case, as the plan says before and the item keeps."""

    READY = "ready"
    PAUSED = "paused"  # it waits for its connection
    RUNNING = "running"
    NEEDS_MAPPING = "needs mapping"
    DONE = "already done"
    CLOSED = "closed"
    NOTHING = "nothing"  # there is no message and no order behind it that could be taken again
    NO_ACCESS = "no access"


# These are part of a run; all others are left out and counted.
TAKEN = frozenset({Outcome.READY, Outcome.PAUSED})
