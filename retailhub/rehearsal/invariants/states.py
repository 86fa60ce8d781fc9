"""I8, I9 and I12: states move by the tables, changes are on record, nothing is left held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from orders.lifecycle import NEXT, OrderState
from retailhub.rehearsal.evidence import Evidence

GUARDED = frozenset({"connectors_inboundmessage", "connectors_outboundmessage"})
FIRST = frozenset({OrderState.ACCEPTED, OrderState.CANCELLED})
HELD_STATES = frozenset({"PROCESSING", "SENDING"})


def legal(evidence: Evidence) -> Iterator[str]:
    """An order's timeline is a path of the table; the database guards the messages' own."""
    state: dict[int, str] = {}
    for step in evidence.steps:
        before = state.get(step.order_id, "")
        if before != step.before:
            yield f"order {step.order_id} was {before or 'new'}, its timeline says {step.before}"
        allowed = NEXT[OrderState(before)] if before else FIRST
        if step.after not in allowed:
            yield f"order {step.order_id} went from {before or 'new'} to {step.after}"
        state[step.order_id] = step.after
    for order in evidence.orders:
        if state.get(order.id) != order.state:
            yield f"order {order.id} is {order.state}, its timeline ends {state.get(order.id)}"
    for table in sorted(GUARDED - evidence.guards):
        yield f"no guard on the states of {table}"
    yield from evidence.refusals


def audited(evidence: Evidence) -> Iterator[str]:
    """The activity of a case leads to the state it is in, without a gap."""
    state: dict[int, str] = defaultdict(str)
    for step in evidence.case_steps:
        if step.before and step.before != state[step.case_id]:
            yield f"case {step.case_id} became {step.before} and nobody wrote it down"
        state[step.case_id] = step.after
    for case_id, stands in evidence.case_states.items():
        if state[case_id] != stands:
            yield f"case {case_id} is {stands}, its activity ends {state[case_id] or 'nowhere'}"


def nothing_held(evidence: Evidence) -> Iterator[str]:
    """No lease, transaction or lock is left; what is parked too long has a case."""
    for what, count in evidence.held.items():
        if count:
            yield f"{count} {what}"
    for message in evidence.inbound:
        if message.state in HELD_STATES:
            yield f"inbox {message.id} is {message.state} though nobody works"
        if message.is_overdue and not message.has_case:
            yield f"inbox {message.id} is parked past its deadline and has no case"
    for effect in evidence.outbound:
        if effect.state in HELD_STATES:
            yield f"outbox {effect.id} is {effect.state} though nobody works"
