"""I1 and I2: what came in is there, once, and came to an end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from retailhub.rehearsal.evidence import Evidence

INBOUND_ENDS = frozenset({"PROCESSED", "SUPERSEDED", "IGNORED"})
OUTBOUND_ENDS = frozenset({"SENT", "CANCELLED", "SUPERSEDED"})
FOR_A_PERSON = frozenset({"DEAD", "MANUAL", "PARKED"})
SHORT = "inventory.insufficient_stock"


def nothing_lost(evidence: Evidence) -> Iterator[str]:
    """Every acknowledged id is in the inbox, and every order told of is an order."""
    known = {(row.topic, row.webhook_id) for row in evidence.inbound}
    for acked in {(acked.topic, acked.webhook_id) for acked in evidence.acked} - known:
        yield f"{acked[0]} {acked[1]} was acknowledged and is not in the inbox"
    orders = {order.external_id for order in evidence.orders}
    told = {acked.order_id for acked in evidence.acked if acked.order_id in evidence.placed}
    for order_id in sorted(told - orders):
        yield f"order {order_id} was acknowledged and is no order of ours"


def ends_once(evidence: Evidence) -> Iterator[str]:
    """One row per delivery, in an end state; a person decides only where a customer backed out."""
    counted = Counter((row.topic, row.webhook_id) for row in evidence.inbound)
    for (topic, webhook_id), count in counted.items():
        if count > 1:
            yield f"{topic} {webhook_id} is in the inbox {count} times"
    for row in evidence.inbound:
        if row.state not in INBOUND_ENDS:
            yield f"inbox {row.id} ({row.topic}) ended {row.state}: {row.error}"
    yield from _effects_end(evidence)
    yield from _orders_end(evidence)


def _effects_end(evidence: Evidence) -> Iterator[str]:
    excused = evidence.troubled_orders()
    stopped = {(row.system, row.lane) for row in evidence.outbound if row.state in FOR_A_PERSON}
    for row in evidence.outbound:
        if row.state in OUTBOUND_ENDS:
            continue
        if row.order_id not in excused:
            yield f"outbox {row.id} ({row.kind} {row.key}) ended {row.state}: {row.error}"
        elif row.state in FOR_A_PERSON and not row.has_case:
            yield f"outbox {row.id} ({row.kind} {row.key}) is {row.state} and no case is open"
        elif row.state not in FOR_A_PERSON and (row.system, row.lane) not in stopped:
            yield f"outbox {row.id} ({row.kind} {row.key}) waits for nothing in {row.state}"


def _orders_end(evidence: Evidence) -> Iterator[str]:
    for order in evidence.orders:
        if order.external_id in evidence.cancelled:
            if order.state != "CANCELLED" and not order.has_case:
                yield f"order {order.reference} was called off, is {order.state}, and has no case"
        elif order.held_for == SHORT:
            if not order.has_case:
                yield f"order {order.reference} is short of stock and has no case"
        elif order.state != "DELIVERED":
            yield f"order {order.reference} ended {order.state} {order.held_for}".rstrip()
