"""Facts -> the services that own them. Orders go in one set-based call, the rest one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from connectors.errors import ConnectionUnusable
from connectors.lifecycle import InboundState
from connectors.models import Connection, InboundMessage
from connectors.services.apply_stock import StockRunner
from connectors.services.codes import Codes, resolve_skus
from connectors.services.journeys import join_fulfillment_orders, join_orders
from connectors.systems.base import Fact
from inventory.canonical import CanonicalStock
from inventory.selectors import lock_levels
from inventory.services.hold import held_reference
from orders.canonical import (
    CanonicalFulfillmentEvent,
    CanonicalOrder,
    CanonicalRefund,
    FulfillmentEventKind,
    LineKind,
)
from orders.selectors import line_references, lock_orders_named
from orders.services.accept import Arrival, Outcome, accept_orders
from orders.services.deliver import record_delivery
from orders.services.progress import record_progress
from orders.services.refund import record_refund
from orders.services.ship import record_shipment
from retailhub.kernel.errors import HubError, NeedsOperator, RetryLater

End = tuple[InboundState, HubError | None]

_STEPS: dict[FulfillmentEventKind, Callable[..., None]] = {
    FulfillmentEventKind.SHIPPED: record_shipment,
    FulfillmentEventKind.DELIVERED: record_delivery,
}

_MOVES_STOCK = frozenset({FulfillmentEventKind.SHIPPED, FulfillmentEventKind.CANCELLED})


class FactRunner:
    """Applies the facts of one batch in the caller's transaction; says how each message ends."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._codes: dict[int, Codes] = {}
        self._orders: list[tuple[InboundMessage, CanonicalOrder]] = []
        self._arrivals: list[tuple[InboundMessage, Arrival]] = []
        self._stock = StockRunner(now, self._codes_of)
        self.notes: dict[int, str] = {}  # why a message was left unapplied, by its id
        self._others: list[tuple[InboundMessage, Fact]] = []
        self._ends: dict[int, End] = {}
        self._of_orders: list[tuple[int, int, str]] = []
        self._of_nodes: list[tuple[int, str]] = []

    def add(self, message: InboundMessage, facts: Sequence[Fact]) -> None:
        """Take the facts of one message."""
        for fact in facts:
            if isinstance(fact, CanonicalOrder):
                self._orders.append((message, fact))
            elif isinstance(fact, CanonicalStock):
                self._stock.add(message, fact)
            else:
                self._others.append((message, fact))

    def run(self) -> dict[int, End]:
        """Apply everything. Raises only what must undo the whole batch."""
        self._resolve()
        self._lock()
        outcomes = accept_orders([arrival for _, arrival in self._arrivals], now=self._now)
        for (message, arrival), outcome in zip(self._arrivals, outcomes, strict=True):
            if outcome != Outcome.ACCEPTED:
                self._of_orders.append((message.pk, *arrival.identity))
            state = (
                InboundState.SUPERSEDED if outcome == Outcome.SUPERSEDED else InboundState.PROCESSED
            )
            self._ends.setdefault(message.pk, (state, None))
        for message, fact in self._others:
            self._apply(message, fact)
        self._apply_stock()
        join_orders(self._of_orders)
        join_fulfillment_orders(self._of_nodes)
        return self._ends

    def _lock(self) -> None:
        """Take every order and level that this batch may touch, each kind in key order.

        Taken one by one, in the order of the messages, two batches would wait for each other.
        """
        identities = {arrival.identity for _, arrival in self._arrivals}
        references: dict[str, bool] = {}
        spots = self._stock.resolve()
        for message, fact in self._others:
            match fact:
                case CanonicalRefund() if message.connection.channel_id is not None:
                    identities.add((message.connection.channel_id, fact.order_external_id))
                case CanonicalFulfillmentEvent():
                    moves = references.get(fact.reference, False) or fact.kind in _MOVES_STOCK
                    references[fact.reference] = moves
        lock_orders_named(external_ids=identities, references=references)
        moving = lock_orders_named(references=[r for r, moves in references.items() if moves])
        lock_levels(references=line_references(moving), places=spots)

    def _apply_stock(self) -> None:
        ends = self._stock.apply()
        self.notes |= ends.notes
        for message_id in ends.applied | ends.notes.keys():
            self._ends.setdefault(message_id, (ends.state(message_id), None))
        for message_id, error in ends.errors.items():
            self._ends[message_id] = (InboundState.PROCESSED, error)

    def _apply(self, message: InboundMessage, fact: Fact) -> None:
        try:
            with transaction.atomic():
                self._handle(message, fact)
        except (RetryLater, NeedsOperator) as error:
            self._ends[message.pk] = (InboundState.PROCESSED, error)
        else:
            self._ends.setdefault(message.pk, (InboundState.PROCESSED, None))

    def _handle(self, message: InboundMessage, fact: Fact) -> None:
        connection = message.connection
        match fact:
            case CanonicalRefund():
                channel_id = _channel_id(connection)
                record_refund(fact, channel_id=channel_id, now=self._now)
                self._of_orders.append((message.pk, channel_id, fact.order_external_id))
            case CanonicalFulfillmentEvent():
                step = _STEPS.get(fact.kind, record_progress)
                step(fact, now=self._now, system=connection.name)
                self._of_nodes.append((message.pk, fact.reference))

    def _resolve(self) -> None:
        """Orders in our words. What can't be resolved ends its message, not the batch."""
        for connection, skus in _skus_by_connection(self._orders).items():
            self._codes_of(connection).read_items(skus)
        for message, order in self._orders:
            try:
                self._arrivals.append((message, self._arrival(message, order)))
            except HubError as error:
                error.context.update(_order_context(order))
                self._ends[message.pk] = (InboundState.PROCESSED, error)

    def _arrival(self, message: InboundMessage, order: CanonicalOrder) -> Arrival:
        if order.reservation:  # a shop names only what it holds itself
            held = held_reference(message.connection.slug, order.reservation)
            order = replace(order, reservation=held)
        return Arrival(
            channel_id=_channel_id(message.connection),
            order=order,
            item_ids=resolve_skus(self._codes_of(message.connection), _skus(order)),
            trace_id=message.trace_id,
            system=message.connection.name,
            told_at=message.event_at or message.received_at,
        )

    def _codes_of(self, connection: Connection) -> Codes:
        if connection.pk not in self._codes:
            self._codes[connection.pk] = Codes(connection)
        return self._codes[connection.pk]


def _skus(order: CanonicalOrder) -> set[str]:
    return {line.sku for line in order.lines if line.kind == LineKind.GOODS and line.sku}


def _skus_by_connection(
    orders: Sequence[tuple[InboundMessage, CanonicalOrder]],
) -> dict[Connection, set[str]]:
    wanted: dict[Connection, set[str]] = defaultdict(set)
    for message, order in orders:
        wanted[message.connection] |= _skus(order)
    return wanted


def _channel_id(connection: Connection) -> int:
    if connection.channel_id is None:
        raise ConnectionUnusable(
            f"{connection.name} sends orders but has no channel. Give it one in the admin."
        )
    return connection.channel_id


def _order_context(order: CanonicalOrder) -> dict[str, Any]:
    """What a person must know of an order that is not on record yet."""
    return {
        "order_number": order.number,
        "value": str(order.total),
        "currency": order.currency,
        "placed_at": order.placed_at.isoformat(),
        "version": order.version.isoformat(),
    }
