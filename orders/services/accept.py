"""A channel's snapshot -> an order on record: new, changed, or already newer than this."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from uuid import UUID

from django.db import connection, transaction

from inventory.models import Channel
from orders.canonical import CanonicalOrder
from orders.events import OrdersAccepted
from orders.lifecycle import CUSTOMER_STATUS, OrderState
from orders.models import Order, OrderEvent, OrderLine
from orders.services.change import apply_snapshot
from orders.services.lines import build_lines, hold_on_arrival, snapshot_fields
from orders.services.refund import add_refunds
from orders.services.timeline import event
from retailhub.kernel.events import publish
from retailhub.kernel.rows import insert_rows

FASTEST_CLOCK = timedelta(minutes=10)


_KEEP_CUSTOMERS = """
INSERT INTO orders_customer (channel_id, external_id, name, email, phone, tags)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[])
ON CONFLICT (channel_id, external_id)
DO UPDATE SET name = excluded.name, email = excluded.email, phone = excluded.phone,
    tags = coalesce(excluded.tags, orders_customer.tags)
RETURNING id, channel_id, external_id
"""


class Outcome(StrEnum):
    """What a snapshot did."""

    ACCEPTED = "ACCEPTED"
    CHANGED = "CHANGED"
    SUPERSEDED = "SUPERSEDED"  # we already know this version or a newer one


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One snapshot of one order. `item_ids` resolves the SKUs as the channel spells them."""

    channel_id: int
    order: CanonicalOrder
    item_ids: Mapping[str, int]
    trace_id: UUID
    system: str = ""
    told_at: datetime | None = None  # the sender's clock when it told, finer than the version

    @property
    def clock(self) -> tuple[datetime, datetime]:
        """What says which of two snapshots is the later: shops count versions in whole seconds."""
        return (self.order.version, self.told_at or self.order.version)

    @property
    def identity(self) -> tuple[int, str]:
        return (self.channel_id, self.order.external_id)


@transaction.atomic(savepoint=False)
def accept_orders(arrivals: Sequence[Arrival], *, now: datetime) -> list[Outcome]:
    """Bring every snapshot on record, oldest version first; says what each one did.

    The same order may come several times, in any order: the newest version wins.
    """
    arrivals = [_in_our_time(arrival, now) for arrival in arrivals]
    known = _lock_known(arrivals)
    outcomes: dict[int, Outcome] = {}
    fresh: dict[tuple[int, str], tuple[Order, Arrival]] = {}
    for index in sorted(range(len(arrivals)), key=lambda i: arrivals[i].clock):
        arrival = arrivals[index]
        if order := known.get(arrival.identity):
            outcomes[index] = _update(order, arrival, now)
        elif earlier := fresh.get(arrival.identity):
            # Two snapshots of a new order in one batch: the later wins before either is written.
            outcomes[index] = Outcome.SUPERSEDED
            if arrival.clock > earlier[1].clock:
                arrival = replace(arrival, trace_id=earlier[1].trace_id)
                fresh[arrival.identity] = (_build(arrival, now), arrival)
                outcomes[index] = Outcome.CHANGED
        else:
            fresh[arrival.identity] = (_build(arrival, now), arrival)
            outcomes[index] = Outcome.ACCEPTED
    _write(list(fresh.values()), now)
    return [outcomes[index] for index in range(len(arrivals))]


def _in_our_time(arrival: Arrival, now: datetime) -> Arrival:
    """With a version no later than a fast clock explains: years ahead would freeze the order."""
    if arrival.order.version <= now + FASTEST_CLOCK:
        return arrival
    return replace(arrival, order=replace(arrival.order, version=now))


def _lock_known(arrivals: Sequence[Arrival]) -> dict[tuple[int, str], Order]:
    rows = (
        Order.objects.select_for_update()
        .filter(
            channel_id__in={a.channel_id for a in arrivals},
            external_id__in={a.order.external_id for a in arrivals},
        )
        .order_by("pk")
    )
    return {(row.channel_id, row.external_id): row for row in rows}


def _update(order: Order, arrival: Arrival, now: datetime) -> Outcome:
    if arrival.clock <= (order.version_at, order.told_at or order.version_at):
        # Refunds are facts of their own: an old snapshot may still bring one we never heard of.
        add_refunds(order, arrival.order.refunds, now=now)
        return Outcome.SUPERSEDED
    order.told_at = arrival.told_at
    apply_snapshot(order, arrival.order, item_ids=arrival.item_ids, now=now)
    return Outcome.CHANGED


def _build(arrival: Arrival, now: datetime) -> Order:
    canonical = arrival.order
    cancelled = canonical.cancelled_at is not None
    state = OrderState.CANCELLED if cancelled else OrderState.ACCEPTED
    return Order(
        channel_id=arrival.channel_id,
        external_id=canonical.external_id,
        state=state,
        held_for="" if cancelled else hold_on_arrival(canonical),
        customer_status=CUSTOMER_STATUS[state],
        accepted_at=now,
        told_at=arrival.told_at,
        trace_id=arrival.trace_id,
        reservation=canonical.reservation,
        **snapshot_fields(canonical),
    )


def _write(fresh: Sequence[tuple[Order, Arrival]], now: datetime) -> None:
    if not fresh:
        return
    customers = _customers(fresh)
    codes = dict(
        Channel.objects.filter(pk__in={a.channel_id for _, a in fresh}).values_list("pk", "code")
    )
    for order, arrival in fresh:
        order.reference = f"{codes[order.channel_id]}-{order.external_id}"
        if arrival.order.customer is not None:
            order.customer_id = customers.get(
                (order.channel_id, arrival.order.customer.external_id)
            )
    insert_rows(order for order, _ in fresh)
    lines: list[OrderLine] = []
    events: list[OrderEvent] = []
    for order, arrival in fresh:
        lines += build_lines(order, arrival.order, arrival.item_ids)
        events.append(_first_event(order, arrival, now))
        add_refunds(order, arrival.order.refunds, now=now)
    insert_rows(lines, needs_ids=False)
    insert_rows(events, needs_ids=False)
    publish(OrdersAccepted(order_ids=tuple(order.pk for order, _ in fresh)))


def _first_event(order: Order, arrival: Arrival, now: datetime) -> OrderEvent:
    line = event(order, "accepted", f"Order {order.number} received", at=now, system=arrival.system)
    line.to_state, line.customer_status = order.state, order.customer_status
    line.data = {"held_for": order.held_for} if order.held_for else {}
    return line


def _as_json(tags: tuple[str, ...] | None) -> str | None:
    return None if tags is None else json.dumps(tags)


def _customers(fresh: Sequence[tuple[Order, Arrival]]) -> dict[tuple[int, str], int]:
    """Ids of the buyers, made where they are new, by (channel, external id)."""
    wanted = {
        (order.channel_id, buyer.external_id): buyer
        for order, arrival in fresh
        if (buyer := arrival.order.customer) is not None and buyer.external_id
    }
    if not wanted:
        return {}
    # Sorted, so that two batches with the same buyers never wait for each other in a circle.
    rows = [
        (channel_id, external_id, buyer.name, buyer.email, buyer.phone, _as_json(buyer.tags))
        for (channel_id, external_id), buyer in sorted(wanted.items(), key=itemgetter(0))
    ]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_CUSTOMERS, [list(column) for column in zip(*rows, strict=True)])
        return {(channel_id, external_id): pk for pk, channel_id, external_id in cursor.fetchall()}
