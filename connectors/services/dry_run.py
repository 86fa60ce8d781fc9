"""What would this message do? The real processing, in a transaction that is rolled back.

Nothing stays: no row, no doorbell, no hint (both are rung after a commit that never comes), and no
call, because effects are only owed here and never sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction
from django.db import connection as database

from connectors.models import InboundMessage, OutboundMessage
from connectors.services.apply import FactRunner
from connectors.services.payloads import order_payload
from connectors.services.reading import read_body
from connectors.systems.base import Fact
from orders.canonical import CanonicalFulfillmentEvent, CanonicalOrder, CanonicalRefund
from orders.lifecycle import OrderState
from orders.models import Order
from orders.selectors import lock_orders
from orders.services.allocate import allocate_orders
from orders.services.reserve import reserve_orders
from retailhub.kernel.changes import MISSING, Change, changes
from retailhub.kernel.errors import HubError, NeedsOperator, RetryLater


@dataclass(frozen=True)
class Owed:
    """An effect that would be owed."""

    connection: str
    kind: str
    effect_key: str
    payload: dict[str, Any]


@dataclass
class DryRun:
    """What would happen. `error` says why it would stop, and then nothing else would happen."""

    error: HubError | None = None
    ignored: str = ""
    is_new: bool = False
    order: str = ""
    changes: list[Change] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    rules: Sequence[int] = ()


def dry_run(*, message_id: int, now: datetime, body: bytes | None = None) -> DryRun:
    """Take the message, or `body` in its place, through everything, and take it all back.

    Raises `RetryLater` when somebody holds the order just now.
    """
    message = InboundMessage.objects.select_related("connection__channel").get(pk=message_id)
    found = DryRun()
    try:
        with transaction.atomic():
            with database.cursor() as cursor:
                # Live work never waits for a look: rather we give up.
                cursor.execute("SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '10s'")
            _run(found, message, body, now)
            transaction.set_rollback(True)
    except (NeedsOperator, RetryLater) as error:
        found.error = error
    except OperationalError as error:
        raise RetryLater("Somebody works on this order just now. Try again in a moment.") from error
    return found


def _run(found: DryRun, message: InboundMessage, body: bytes | None, now: datetime) -> None:
    read = read_body(message, body)
    found.rules, found.ignored = read.rules, read.reading.ignored
    before = _orders(message, read.reading.facts)
    owed_before = _owed_ids(before)
    runner = FactRunner(now)
    runner.add(message, read.reading.facts)
    for _, error in runner.run().values():
        if error is not None:
            raise error
    _go_on(_orders(message, read.reading.facts), now)
    after = _orders(message, read.reading.facts)
    found.is_new = bool(after) and not before
    found.order = next((shot["number"] for shot in after.values()), "")
    # A new order is told field by field too, and only what it has.
    was = {number: {} for number in _shots(after)} | _shots(before)
    found.changes = [
        one for one in changes(was, _shots(after)) if one.before is not MISSING or one.after
    ]
    found.owed = _newly_owed(after, owed_before)


def _go_on(orders: Iterable[int], now: datetime) -> None:
    """The order's own next steps, which workers would take within a second."""
    for state, step in (
        (OrderState.ACCEPTED, reserve_orders),
        (OrderState.RESERVED, allocate_orders),
    ):
        due = [row for row in lock_orders(orders) if row.state == state and not row.held_for]
        step(due, now=now)


def _orders(message: InboundMessage, facts: Sequence[Fact]) -> dict[int, dict[str, Any]]:
    """The orders that the facts speak of, as they are at this moment."""
    named = Order.objects.none()
    for fact in facts:
        channel_id = message.connection.channel_id
        match fact:
            case CanonicalOrder():
                named |= Order.objects.filter(channel=channel_id, external_id=fact.external_id)
            case CanonicalRefund():
                named |= Order.objects.filter(
                    channel=channel_id, external_id=fact.order_external_id
                )
            case CanonicalFulfillmentEvent():
                named |= Order.objects.filter(fulfillment_orders__reference=fact.reference)
    rows = named.distinct().select_related("customer", "channel").order_by("pk")
    return {row.pk: _shot(row) for row in rows.prefetch_related("lines__item")}


def _shot(order: Order) -> dict[str, Any]:
    parts = order.fulfillment_orders.order_by("pk").select_related("location")
    return {
        "number": order.number,
        "state": order.state,
        "held for": order.held_for or None,
        "at": {
            part.reference: f"{part.location.name}: {part.work_status.lower()}" for part in parts
        },
        "refunded": [str(row.amount) for row in order.refunds.order_by("pk")],
        **order_payload(order, order.lines.all()),
    }


def _shots(orders: dict[int, dict[str, Any]]) -> dict[str, Any]:
    return {shot["number"]: shot for shot in orders.values()}


def _owed_ids(orders: Iterable[int]) -> set[int]:
    rows = OutboundMessage.objects.filter(order_id__in=list(orders))
    return set(rows.values_list("pk", flat=True))


def _newly_owed(orders: Iterable[int], known: set[int]) -> list[Owed]:
    rows = OutboundMessage.objects.filter(order_id__in=list(orders)).exclude(pk__in=known)
    return [
        Owed(row.connection.name, row.kind, row.effect_key, row.payload)
        for row in rows.select_related("connection").order_by("pk")
    ]
