"""What a rehearsal says: what was planned, what landed, what it took, and what broke."""

from __future__ import annotations

from collections.abc import Iterator

from retailhub.rehearsal.invariants import INVARIANTS
from retailhub.rehearsal.plan import Plan
from retailhub.rehearsal.rehearsal import Result

KEPT, BROKEN, VOID = 0, 1, 2
SHOWN = 8


def lines_before(plan: Plan) -> Iterator[str]:
    """What is about to happen, and how to make it happen again."""
    yield f"rehearsal: {plan.orders} orders, {plan.kills} kills, seed {plan.seed}"
    if plan.broken:
        yield f"planted bug: {plan.broken}; a harness that misses it proves nothing"


def lines_after(result: Result) -> Iterator[str]:
    """The whole account; its last line is the number of violations, or `void`."""
    yield from _faults(result)
    for invariant in INVARIANTS:
        found = result.found[invariant.name]
        word = f"{len(found)} BROKEN" if found else "kept"
        yield f"{invariant.name:>4}  {invariant.promise:44} {word}"
        yield from (f"        {line}" for line in found[:SHOWN])
    yield from result.unsettled
    if result.tally.is_void and not result.violations:
        yield "void: too few of the planned faults landed"
    else:
        yield f"violations: {result.violations}"


def _faults(result: Result) -> Iterator[str]:
    tally = result.tally
    for fault in tally.strikes:
        yield f"  {fault.name:34} {fault.landed:6} of {fault.planned:.0f}"
    for fault in tally.faults:
        planned = f" of about {fault.planned:.0f}" if fault.planned else ""
        yield f"  {fault.name:34} {fault.landed:6}{planned}"
    yield f"  messages in, effects out           {tally.messages:6}, {tally.effects}"
    yield f"  effects at risk (n), bound (3/n)   {tally.at_risk:6}, {tally.bound:.3%}"
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.seconds.items())
    yield f"  {times}"


def verdict(result: Result) -> int:
    """The exit code: 0 kept, 1 broken, 2 void."""
    if result.violations:
        return BROKEN
    return VOID if result.tally.is_void else KEPT
