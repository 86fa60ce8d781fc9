"""I3, I4, I6, I7 and I10: what we did to other systems, by their own ledgers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from retailhub.rehearsal.evidence import Evidence, Outbound
from retailhub.sandbox.ledger import LedgerLine

# What we call it -> what the other side's ledger calls it.
MADE = {
    "order.post": "salesorder.created",
    "fulfillment.post": "itemfulfillment.created",
    "fulfillment.release": "outbound.created",
    "fulfillment.cancel": "outbound.cancelled",
    "shipment.notify": "fulfillment.created",
}
SUMS_UP = {"stock.publish", "stock.confirm"}
CHANGED = {"salesorder.updated", *MADE.values()}


def key_of(line: LedgerLine) -> str:
    """The name we gave the effect, in a line of another system's ledger."""
    has_own_name = line.kind in {"itemfulfillment.created", "fulfillment.created"}
    return line.key if has_own_name else line.reference


def _lines(evidence: Evidence) -> Sequence[LedgerLine]:
    return [*evidence.shop, *evidence.erp, *evidence.wms]


def _applied(evidence: Evidence) -> Counter[tuple[str, str]]:
    return Counter((line.kind, key_of(line)) for line in _lines(evidence))


def happened_once(evidence: Evidence) -> Iterator[str]:
    """Nothing was made twice, and nothing that we do not know of."""
    owed = {(MADE[row.kind], row.key): row for row in evidence.outbound if row.kind in MADE}
    for (kind, key), count in _applied(evidence).items():
        if kind not in MADE.values():
            continue
        if count > 1:
            yield f"{kind} {key} happened {count} times"
        row = owed.get((kind, key))
        if row is None:
            yield f"{kind} {key} happened and nobody owed it"
        elif row.state == "CANCELLED":
            yield f"{kind} {key} happened though it was taken back"


def is_there(evidence: Evidence) -> Iterator[str]:
    """What we call sent stands in the other system's ledger; a closed sales order is closed."""
    applied = _applied(evidence)
    closed = {order.reference for order in evidence.erp_orders if order.is_closed}
    for row in evidence.outbound:
        if row.state != "SENT":
            continue
        if row.kind in MADE and not applied[MADE[row.kind], row.key]:
            yield f"{row.kind} {row.key} is called sent and is not there"
        if row.kind == "order.cancel" and row.key not in closed:
            yield f"sales order {row.key} is called closed and is open"


def money_conserved(evidence: Evidence) -> Iterator[str]:
    """The shop's total is ours and the ERP's; what the shop gave back is recorded once."""
    totals = {order.reference: order.total for order in evidence.orders}
    for order in evidence.orders:
        placed = evidence.placed.get(order.external_id)
        if placed is not None and placed != order.total:
            yield f"order {order.reference}: {placed} in the shop, {order.total} with us"
    for posted in evidence.erp_orders:
        ours = totals.get(posted.reference)
        if not posted.is_closed and posted.total != ours:
            yield f"sales order {posted.reference}: {posted.total} in the ERP, {ours} with us"
    yield from _refunds(evidence)


def _refunds(evidence: Evidence) -> Iterator[str]:
    given = {
        line.external_id: sum(map(Decimal, line.detail["amounts"]), Decimal(0))
        for line in evidence.shop
        if line.kind == "refund.created"
    }
    recorded: dict[str, list[Decimal]] = defaultdict(list)
    for refund in evidence.refunds:
        recorded[refund.external_id].append(refund.amount)
    for external_id, amount in given.items():
        if recorded[external_id] != [amount]:
            yield f"refund {external_id} of {amount} is recorded as {recorded[external_id]}"
    for external_id in recorded.keys() - given.keys():
        yield f"refund {external_id} is recorded and was never given"


def in_order(evidence: Evidence) -> Iterator[str]:
    """At each system the effects of one lane appear in the order in which we owed them."""
    first: dict[tuple[str, str], int] = {}
    for line in _lines(evidence):
        first.setdefault((line.kind, key_of(line)), line.number)
    lanes: dict[tuple[str, str], list[Outbound]] = defaultdict(list)
    for row in sorted(evidence.outbound, key=lambda row: row.id):
        if row.kind in MADE and (MADE[row.kind], row.key) in first:
            lanes[row.system, row.lane].append(row)
    for (system, lane), rows in lanes.items():
        numbers = [first[MADE[row.kind], row.key] for row in rows]
        if numbers != sorted(numbers):
            yield f"{system} {lane}: {[row.kind for row in rows]} appeared as {numbers}"


def traced(evidence: Evidence) -> Iterator[str]:
    """Every effect, and every call that made one, carries the trace of an inbox row."""
    known = {row.trace_id for row in evidence.inbound if row.trace_id}
    owed = {row.id: row for row in evidence.outbound}
    for row in evidence.outbound:
        # What a channel is told of stock sums up many messages, and begins a trace of its own.
        if row.trace_id not in known and row.kind not in SUMS_UP:
            yield f"outbox {row.id} ({row.kind}) has no message behind it"
    for attempt in evidence.attempts:
        if attempt.message_id not in owed:
            yield f"an attempt belongs to no effect ({attempt.message_id})"
    for line in _lines(evidence):
        if line.kind in CHANGED and line.trace_id not in known:
            yield f"{line.kind} {key_of(line)} came with trace {line.trace_id or 'none'}"
