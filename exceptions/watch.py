"""Facts -> what must happen next, and what happened. None of it may harm the fact itself.

Each reaction runs in a savepoint of the publisher's transaction: it commits with the fact, and if
it fails, the fact stands and the log says what is not watched. All are set-based.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from django.db import transaction
from django.db.models import Case, IntegerField, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Concat
from django.utils import timezone

from connectors.events import (
    ConnectionChanged,
    EffectSetAside,
    EffectsSent,
    EffectsStopped,
    OrdersMissed,
)
from connectors.lifecycle import InboundState
from connectors.models import Connection, MissedOrder, OutboundMessage
from connectors.registry import SINKS
from connectors.services.owe import erp_connections, served_locations
from connectors.systems.base import IntentKind
from exceptions.evidence import is_given_back
from exceptions.expected import EXPECTED, span
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.services.cases import Problem, close_cured, open_case
from exceptions.services.expectations import (
    Awaited,
    expect,
    expect_all,
    meet,
    open_expectations,
    void,
    void_order,
)
from exceptions.services.standstill import pause_order, resume_order, stand_down
from orders.events import (
    OrderCancelled,
    OrderHeld,
    OrderResumed,
    OrdersAccepted,
    OrdersAllocated,
    RefundRecorded,
    ShipmentRecorded,
)
from orders.lifecycle import OrderState, WorkStatus
from orders.models import FulfillmentOrder, Order, Shipment
from retailhub.kernel.events import Event

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)

_BY_EFFECT = {row.effect: code for code, row in EXPECTED.items() if row.effect}
_STAND_STILL = tuple(code for code, row in EXPECTED.items() if row.stands_still)
_GONE = frozenset({OrderState.SHIPPED.value, OrderState.DELIVERED.value})


def harmless(react: Callable[[E], None]) -> Callable[[E], None]:
    """The fact is more than what is expected of it: a failure here is logged and undone alone."""

    @wraps(react)
    def reaction(event: E) -> None:
        try:
            with transaction.atomic():
                react(event)
        except Exception:
            log.exception("%s is not watched", type(event).__name__)

    return reaction


@harmless
def expect_in_erp(event: OrdersAccepted) -> None:
    """Accepted orders must reach the ERP, if there is one."""
    orders = Order.objects.filter(pk__in=event.order_ids).exclude(state=OrderState.CANCELLED)
    found = orders.annotate(erp=Subquery(erp_connections().values("pk")[:1])).exclude(erp=None)
    is_paused = Case(When(held_for="", then=False), default=True)
    awaited = found.annotate(subject=_named("number"), is_paused=is_paused).values_list(
        "reference", "subject", "pk", "erp", "trace_id", _AS_ALLOWED, "is_paused"
    )
    expect_all(template="order_in_erp", awaited=awaited, now=timezone.now())


_AS_ALLOWED = Value(None, IntegerField())


def _named(path: str) -> Concat:
    return Concat(Value("Order "), path)


@harmless
def expect_acknowledgement(event: OrdersAllocated) -> None:
    """Nodes must take what was placed with them."""
    rows = FulfillmentOrder.objects.filter(order_id__in=event.order_ids)
    _expect_of_nodes("node_acknowledged", rows.filter(work_status=WorkStatus.OPEN))


@harmless
def follow_effects(event: EffectsSent) -> None:
    """Systems have what they should have; what a node took must leave it."""
    met: dict[str, dict[str, str]] = {}
    for effect in event.effects:
        if (template := _BY_EFFECT.get(effect.kind)) is not None:
            met.setdefault(template, {})[effect.reference] = effect.external_id or "sent"
    for template in sorted(met):
        meet(template=template, keys=met[template], now=timezone.now())
    if taken := met.get("node_acknowledged"):
        _expect_of_nodes("node_ships", FulfillmentOrder.objects.filter(reference__in=taken))


def _expect_of_nodes(template: str, parts: QuerySet[FulfillmentOrder]) -> None:
    serving = served_locations().filter(canonical_code=OuterRef("location__code"))
    node = Subquery(serving.order_by("connection_id").values("connection_id")[:1])
    awaited = parts.annotate(subject=_named("order__number"), node=node).values_list(
        "reference", "subject", "order_id", "node", "order__trace_id", _AS_ALLOWED, _RUNNING
    )
    expect_all(template=template, awaited=awaited, now=timezone.now())


_RUNNING = Value(False)


@harmless
def follow_shipment(event: ShipmentRecorded) -> None:
    """The channel must know of the parcel; a node that sent all of it has done its part."""
    shipment = Shipment.objects.select_related("fulfillment_order__order__channel__connection").get(
        pk=event.shipment_id
    )
    part, now = shipment.fulfillment_order, timezone.now()
    if part.progress in _GONE:
        name = shipment.tracking_number or shipment.external_id
        meet(template="node_ships", keys={part.reference: f"Parcel {name}"}, now=now)
    order = part.order
    shop: Connection | None = getattr(order.channel, "connection", None)
    if shop is None or not _wants_tracking(shop):
        return
    awaited = Awaited(
        key=shipment.reference,
        subject=f"Order {order.number}",
        order_id=order.pk,
        connection_id=shop.pk,
        trace_id=order.trace_id,
    )
    expect(template="tracking_on_channel", awaited=[awaited], now=now)


def _wants_tracking(shop: Connection) -> bool:
    sink = SINKS.get(shop.system)
    return shop.is_active and sink is not None and IntentKind.NOTIFY_SHIPMENT in sink.kinds


def open_cases_of_missed(event: OrdersMissed) -> None:
    """A case for each order the source kept to itself; closed when what we fetched is applied."""
    now = timezone.now()
    missed = MissedOrder.objects.filter(pk__in=event.missed_ids)
    for row in missed.select_related("connection", "message").order_by("pk"):
        if ExceptionCase.objects.filter(inbound=row.message, state__in=OPEN_STATES).exists():
            continue  # it stopped for another reason, which is shown already
        case = open_case(_missed(row), now=now)
        if row.message.state in _APPLIED:
            close_cured(ExceptionCase.objects.filter(pk=case.pk), how="by itself", now=now)


_APPLIED = frozenset({InboundState.PROCESSED, InboundState.SUPERSEDED, InboundState.IGNORED})


def _missed(row: MissedOrder) -> Problem:
    late = span(max(int((row.found_at - row.placed_at).total_seconds() // 60), 1))
    name = row.connection.name
    return Problem(
        code="connectors.missing",
        detail=f"It is in the list of {name} and came in no message.",
        context={
            "sentence": f"Order {row.number} was never told to us by {name};"
            f" we fetched it {late} later"
        },
        connection_id=row.connection_id,
        connection_name=name,
        inbound_id=row.message_id,
        order_number=row.number,
        trace_id=row.message.trace_id,
    )


@harmless
def stop_clocks(event: OrderHeld) -> None:
    """A held order is not late: its hold is what people see."""
    pause_order(order_id=event.order_id, templates=_STAND_STILL, now=timezone.now())


@harmless
def start_clocks(event: OrderResumed) -> None:
    """The order goes on, and so does its time."""
    resume_order(order_id=event.order_id, now=timezone.now())


@harmless
def expect_nothing_more(event: OrderCancelled) -> None:
    """A cancelled order is late for nothing."""
    void_order(order_id=event.order_id, why="The order was cancelled", now=timezone.now())


@harmless
def expect_money_back(event: OrderCancelled) -> None:
    """What was paid for and will not come must be given back."""
    order = Order.objects.select_related("channel__connection").get(pk=event.order_id)
    if order.financial_status not in _KEPT or is_given_back(order):
        return
    shop: Connection | None = getattr(order.channel, "connection", None)
    awaited = Awaited(
        key=order.reference,
        subject=f"Order {order.number}",
        order_id=order.pk,
        connection_id=shop.pk if shop else None,
        trace_id=order.trace_id,
    )
    expect(template="money_given_back", awaited=[awaited], now=timezone.now())


# An authorization that is never captured falls back to the customer by itself.
_KEPT = frozenset({"PAID", "PARTIALLY_PAID", "PARTIALLY_REFUNDED"})


@harmless
def follow_money(event: RefundRecorded) -> None:
    """All of it is back, by refunds or by the shop's word."""
    waiting = open_expectations().filter(order_id=event.order_id, template__code="money_given_back")
    for row in waiting.select_related("order"):
        order = row.order
        if order is not None and is_given_back(order):
            by = {row.business_key: "All of it is given back"}
            meet(template="money_given_back", keys=by, now=timezone.now())


@harmless
def follow_pause(event: ConnectionChanged) -> None:
    """Whoever pauses a connection means to resume it: a forgotten pause would silence all else."""
    row, now = Connection.objects.get(pk=event.connection_id), timezone.now()
    paused = row.outbound_paused_at or row.inbound_paused_at
    if paused is not None and row.health != Connection.Health.SIGN_IN:
        key = f"{row.slug}:{paused.isoformat()}"
        awaited = Awaited(key=key, subject=row.name, connection_id=row.pk)
        expect(template="connection_resumed", awaited=[awaited], now=now)
        return
    waiting = open_expectations().filter(connection_id=row.pk, template__code="connection_resumed")
    keys = waiting.values_list("business_key", flat=True)
    meet(template="connection_resumed", keys=dict.fromkeys(keys, "It goes on"), now=now)


@harmless
def leave_it_to_its_case(event: EffectsStopped) -> None:
    """The effects say themselves why they are not there: one cause, one case."""
    effects = OutboundMessage.objects.filter(pk__in=event.message_ids, order_id__isnull=False)
    for effect in effects.only("kind", "reference", "order_id").order_by("pk"):
        if (template := _BY_EFFECT.get(effect.kind)) is not None and effect.order_id is not None:
            stand_down(
                order_id=effect.order_id,
                template=template,
                key=effect.reference,
                now=timezone.now(),
            )


@harmless
def want_no_more(event: EffectSetAside) -> None:
    """A person decided, or it was taken back: nobody waits for it."""
    if (template := _BY_EFFECT.get(event.kind)) is not None:
        void(template=template, keys=[event.reference], why="It was set aside", now=timezone.now())
