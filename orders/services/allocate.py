"""Reserved -> Allocated: a fulfilment order per node, with the reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from inventory.models import Location, Reservation
from inventory.selectors import held_reservations
from orders.events import OrderDelivered, OrdersAllocated
from orders.lifecycle import OrderState
from orders.models import FulfillmentLine, FulfillmentOrder, Order
from orders.selectors import line_ids
from orders.services.due import take_due
from orders.services.timeline import advance
from retailhub.kernel.events import publish
from retailhub.kernel.rows import insert_rows, update_rows


def allocate_due_orders(*, limit: int, now: datetime) -> int:
    """Place the oldest reserved orders at their nodes. Returns how many were due."""
    return take_due(allocate_orders, OrderState.RESERVED, limit=limit, now=now)


def allocate_orders(orders: Sequence[Order], *, now: datetime) -> None:
    """Place locked orders that are due. Raises `NeedsOperator` when a reaction to it does."""
    if not orders:
        return
    placed = _place(orders, line_ids(orders))
    events, nothing_to_ship = [], []
    names = dict(Location.objects.values_list("pk", "name"))
    nodes_of: dict[int, list[str]] = defaultdict(list)
    for part in placed:
        nodes_of[part.order_id].append(names[part.location_id])
    for order in orders:
        nodes = nodes_of[order.pk]
        text = f"Placed at {' and '.join(nodes)}" if nodes else "Nothing to ship"
        events.append(advance(order, OrderState.ALLOCATED, text, at=now, reasons=order.sourcing))
        if not nodes:
            events.append(advance(order, OrderState.DELIVERED, "Nothing to ship: done", at=now))
            order.delivered_at = now
            nothing_to_ship.append(order)
    update_rows(orders, ["state", "customer_status", "delivered_at"])
    insert_rows(events, needs_ids=False)
    publish(OrdersAllocated(order_ids=tuple(order.pk for order in orders)))
    for order in nothing_to_ship:
        publish(OrderDelivered(order_id=order.pk))


def _place(orders: Sequence[Order], lines: Mapping[str, tuple[int, int]]) -> list[FulfillmentOrder]:
    """Fulfilment orders from the promises that are held: one per order and node."""
    by_node: dict[tuple[int, int], list[Reservation]] = defaultdict(list)
    for row in held_reservations(lines):
        order_id, _ = lines[row.reference]
        by_node[order_id, row.location_id].append(row)
    known = {order.pk: order for order in orders}
    numbers = _next_numbers(orders)
    rows = []
    for (order_id, location_id), _ in sorted(by_node.items()):
        order = known[order_id]
        rows.append(
            FulfillmentOrder(
                order=order,
                location_id=location_id,
                reference=f"{order.reference}-F{numbers[order_id]}",
                explanation=order.sourcing,
            )
        )
        numbers[order_id] += 1
    insert_rows(rows)
    insert_rows(
        (
            FulfillmentLine(
                fulfillment_order=row,
                order_line_id=lines[promise.reference][1],
                quantity=promise.quantity - promise.consumed_quantity,
            )
            for row in rows
            for promise in by_node[row.order_id, row.location_id]
        ),
        needs_ids=False,
    )
    return rows


def _next_numbers(orders: Sequence[Order]) -> dict[int, int]:
    # An order that was placed before (and taken back) counts on: no reference is used twice.
    numbers = {order.pk: 1 for order in orders}
    earlier = FulfillmentOrder.objects.filter(order_id__in=list(numbers))
    for order_id in earlier.values_list("order_id", flat=True):
        numbers[order_id] += 1
    return numbers
