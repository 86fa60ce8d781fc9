"""Facts about orders -> effects on the systems that must hear of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from connectors.lifecycle import OutboundState
from connectors.models import CodeMapping, Connection, OutboundMessage
from connectors.registry import SINKS
from connectors.services.enqueue import Effect, enqueue_effects
from connectors.services.payloads import (
    LINE_COLUMNS,
    ORDER_COLUMNS,
    PART_COLUMNS,
    order_payload,
    release_payload,
    shipment_payload,
)
from connectors.services.replay import drop_effect
from connectors.systems.base import IntentKind
from orders.errors import NoNodeConnection
from orders.lifecycle import RequestStatus
from orders.models import FulfillmentLine, FulfillmentOrder, Order, OrderLine, Shipment
from orders.selectors import lock_fulfillment_order
from orders.services.cancel import confirm_cancellation


def lane_of(order_id: int) -> str:
    """All effects of one order on one system keep their order."""
    return f"order:{order_id}"


def erp_connection() -> Connection | None:
    """The ERP that takes postings."""
    return erp_connections().first()


def erp_connections() -> QuerySet[Connection]:
    """ERPs that take postings; the first one does."""
    return Connection.objects.filter(role=Connection.Role.ERP, is_active=True).order_by("pk")


def node_connections() -> dict[str, int]:
    """Which warehouse connection serves each of our location codes."""
    rows = served_locations().order_by("-connection_id")
    return dict(rows.values_list("canonical_code", "connection_id"))


def served_locations() -> QuerySet[CodeMapping]:
    """Locations that a warehouse connection serves; of several, the first one does."""
    return CodeMapping.objects.filter(
        connection__role=Connection.Role.WAREHOUSE,
        connection__is_active=True,
        table=CodeMapping.Table.LOCATION,
    )


def owe_allocation(order_ids: Iterable[int], *, now: datetime) -> None:
    """The ERP gets the order, each node its part. Raises `NoNodeConnection`."""
    erp, nodes = erp_connection(), node_connections()
    effects: list[Effect] = []
    for placed in _placed_orders(list(order_ids)):
        order = placed.order
        if erp is not None:
            effects.append(
                Effect(
                    connection_id=erp.pk,
                    kind=IntentKind.POST_ORDER,
                    reference=order.reference,
                    lane=lane_of(order.pk),
                    payload=order_payload(order, placed.lines),
                    trace_id=order.trace_id,
                    order_id=order.pk,
                )
            )
        effects += [_release(order, part, nodes) for part in placed.parts if part.row.is_live]
    enqueue_effects(effects, now=now)


@dataclass(frozen=True)
class _Part:
    """A fulfilment order and the units of each line it takes."""

    row: FulfillmentOrder
    units: list[tuple[OrderLine, int]] = field(default_factory=list)


@dataclass(frozen=True)
class _Placed:
    """An order with all that its payloads say."""

    order: Order
    lines: list[OrderLine] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)


def _placed_orders(order_ids: Sequence[int]) -> list[_Placed]:
    # By hand, not by the ORM's nested prefetch, which took as long as a whole other step.
    rows = Order.objects.filter(pk__in=order_ids).select_related("channel", "customer")
    placed = {row.pk: _Placed(row) for row in rows.only(*ORDER_COLUMNS).order_by("pk")}
    lines: dict[int, OrderLine] = {}
    rows_of_lines = OrderLine.objects.filter(order_id__in=order_ids).select_related("item")
    for line in rows_of_lines.only(*LINE_COLUMNS).order_by("pk"):
        lines[line.pk] = line
        placed[line.order_id].lines.append(line)
    parts: dict[int, _Part] = {}
    rows_of_parts = FulfillmentOrder.objects.filter(order_id__in=order_ids)
    rows_of_parts = rows_of_parts.select_related("location").only(*PART_COLUMNS)
    for row in rows_of_parts.order_by("pk"):
        parts[row.pk] = _Part(row)
        placed[row.order_id].parts.append(parts[row.pk])
    units = FulfillmentLine.objects.filter(fulfillment_order_id__in=parts).order_by("pk")
    for part_id, line_id, quantity in units.values_list(
        "fulfillment_order_id", "order_line_id", "quantity"
    ):
        parts[part_id].units.append((lines[line_id], quantity))
    return list(placed.values())


def _release(order: Order, part: _Part, nodes: dict[str, int]) -> Effect:
    row = part.row
    connection_id = nodes.get(row.location.code)
    if connection_id is None:
        raise NoNodeConnection(
            f"No warehouse connection serves {row.location.name}. "
            f"Map location {row.location.code} on one, then replay.",
            location=row.location.code,
        )
    return Effect(
        connection_id=connection_id,
        kind=IntentKind.RELEASE_FULFILLMENT,
        reference=row.reference,
        lane=lane_of(order.pk),
        payload=release_payload(order, row, part.units),
        trace_id=order.trace_id,
        order_id=order.pk,
    )


def owe_shipment(shipment_id: int, *, now: datetime) -> None:
    """The channel hears of the tracking, the ERP of the goods that left."""
    lines = "lines__order_line__item"
    shipment = (
        Shipment.objects.select_related("fulfillment_order__order__channel__connection")
        .prefetch_related(lines)
        .get(pk=shipment_id)
    )
    order = shipment.fulfillment_order.order
    shop: Connection | None = getattr(order.channel, "connection", None)
    wanted = [(erp_connection(), IntentKind.POST_FULFILLMENT), (shop, IntentKind.NOTIFY_SHIPMENT)]
    enqueue_effects(
        [
            Effect(
                connection_id=connection.pk,
                kind=kind,
                reference=shipment.reference,
                lane=lane_of(order.pk),
                payload=shipment_payload(shipment),
                trace_id=order.trace_id,
                order_id=order.pk,
            )
            for connection, kind in wanted
            if connection is not None and _takes(connection, kind)
        ],
        now=now,
    )


def _takes(connection: Connection, kind: IntentKind) -> bool:
    sink = SINKS.get(connection.system)
    return connection.is_active and sink is not None and kind in sink.kinds


def owe_cancellation(order_id: int, *, now: datetime) -> None:
    """Take back what no node has been sent yet; ask the nodes that already know to stop.

    The caller holds the order's lock. The ERP hears of it when the last node has agreed: until then
    the goods may still leave.
    """
    order = Order.objects.get(pk=order_id)
    for part in order.fulfillment_orders.order_by("pk"):
        if part.is_live and part.request_status == RequestStatus.CANCELLATION_REQUESTED:
            release = _lock_effect(order, IntentKind.RELEASE_FULFILLMENT, part.reference)
            _stop_part(order, part, release, now)


def owe_erp_cancellation(order_id: int, *, now: datetime) -> None:
    """Close the ERP's sales order, or never make it. Nothing of the order will leave any more."""
    order = Order.objects.get(pk=order_id)
    posting = _lock_effect(order, IntentKind.POST_ORDER, order.reference)
    if posting is not None and not _take_back(posting, now):
        _owe(order, posting.connection_id, IntentKind.CANCEL_ORDER, order.reference, {}, now)


def _lock_effect(order: Order, kind: IntentKind, reference: str) -> OutboundMessage | None:
    owed = OutboundMessage.objects.select_for_update().filter(order_id=order.pk, kind=kind.value)
    return owed.filter(reference=reference).order_by("pk").first()


def _stop_part(
    order: Order, part: FulfillmentOrder, release: OutboundMessage | None, now: datetime
) -> None:
    if release is None or _take_back(release, now):
        confirm_cancellation(lock_fulfillment_order(part.reference), now=now)
        return
    more = {"external_id": part.external_id or release.external_id}
    _owe(order, release.connection_id, IntentKind.CANCEL_FULFILLMENT, part.reference, more, now)


def _take_back(row: OutboundMessage, now: datetime) -> bool:
    """True when the effect was never begun and now never will be. `row` is locked."""
    never_sent = row.attempts == 0 or row.state == OutboundState.DEAD
    if row.state not in {OutboundState.READY, OutboundState.DEAD} or not never_sent:
        return False
    drop_effect(row, now)
    return True


def _owe(
    order: Order,
    connection_id: int,
    kind: IntentKind,
    reference: str,
    more: dict[str, str],
    now: datetime,
) -> None:
    enqueue_effects(
        [
            Effect(
                connection_id=connection_id,
                kind=kind,
                reference=reference,
                lane=lane_of(order.pk),
                payload={"reference": reference, "reason": _reason(order), **more},
                trace_id=order.trace_id,
                order_id=order.pk,
            )
        ],
        now=now,
    )


def _reason(order: Order) -> str:
    return order.cancel_reason or f"payment {order.financial_status.lower()}"
