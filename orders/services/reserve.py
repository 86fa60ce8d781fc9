"""Accepted -> Reserved, or held with what is short."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from inventory.errors import InsufficientStock
from inventory.services.release import release_stock
from inventory.services.reserve import Held, PromiseRequest, Wanted, promise_stock
from orders.events import OrdersReserved
from orders.lifecycle import OrderState
from orders.models import Order
from orders.selectors import active_nodes, lines_to_place
from orders.services.due import take_due
from orders.services.hold import hold_order
from orders.services.timeline import advance
from orders.sourcing import Decision, Need, Node, choose_nodes
from retailhub.kernel.events import publish
from retailhub.kernel.rows import insert_rows, update_rows


def reserve_due_orders(*, limit: int, now: datetime) -> int:
    """Promise stock to the oldest accepted orders, each whole or not at all. Returns how many."""
    return take_due(reserve_orders, OrderState.ACCEPTED, limit=limit, now=now)


def reserve_orders(orders: Sequence[Order], *, now: datetime) -> None:
    """The same for locked orders that are known to be due."""
    if not orders:
        return
    needs = _needs(orders)
    decisions: dict[str, Decision] = {}
    requests = [_request(order, needs[order.pk]) for order in orders]
    kept = promise_stock(requests, choose=_chooser(active_nodes(), needs, decisions), now=now)
    events, reserved = [], []
    for order in orders:
        decision = decisions.get(str(order.pk), Decision())
        if not kept[str(order.pk)]:
            _hold(order, decision, now)
            continue
        order.sourcing = decision.reasons or order.sourcing
        events.append(advance(order, OrderState.RESERVED, "Stock promised", at=now))
        reserved.append(order)
    update_rows(reserved, ["state", "customer_status", "sourcing"])
    insert_rows(events, needs_ids=False)
    publish(OrdersReserved(order_ids=tuple(order.pk for order in reserved)))


def _needs(orders: Sequence[Order]) -> Mapping[int, list[Need]]:
    needs: dict[int, list[Need]] = {order.pk: [] for order in orders}
    for line in lines_to_place(orders):
        if line.is_placed and line.item_id is not None:
            needs[line.order_id].append(
                Need(line.reference, line.item_id, line.sku, line.wanted_quantity)
            )
    return needs


def _request(order: Order, needs: Sequence[Need]) -> PromiseRequest:
    return PromiseRequest(
        key=str(order.pk),
        wanted=tuple(
            Wanted(reference=n.reference, item_id=n.item_id, quantity=n.quantity) for n in needs
        ),
        trace_id=order.trace_id,
        instead_of=order.reservation,
    )


def _chooser(
    nodes: Sequence[Node], needs: Mapping[int, Sequence[Need]], decisions: dict[str, Decision]
) -> Callable[[PromiseRequest, Mapping[tuple[int, int], int]], Sequence[Held] | None]:
    def choose(
        request: PromiseRequest, room: Mapping[tuple[int, int], int]
    ) -> Sequence[Held] | None:
        decision = choose_nodes(needs[int(request.key)], nodes, room)
        decisions[request.key] = decision
        if not decision.is_complete:
            return None
        wanted = {w.reference: w for w in request.wanted}
        return [
            Held(wanted=wanted[t.reference], location_id=t.location_id, quantity=t.quantity)
            for t in decision.takes
        ]

    return choose


def _hold(order: Order, decision: Decision, now: datetime) -> None:
    short = ", ".join(f"{units} × {sku}" for sku, units in decision.short.items())
    hold_order(
        order,
        InsufficientStock(
            f"{short} too few at all nodes together.",
            short=decision.short,
            skus=", ".join(sorted(decision.short)),
        ),
        now=now,
    )


def unreserve(order: Order, text: str, *, now: datetime) -> None:
    """Give back what a locked `order` was promised; a reserved one is due for promising again."""
    references = [line.reference for line in order.lines.all()]
    release_stock(references, trace_id=order.trace_id, now=now)
    if order.state == OrderState.RESERVED:
        advance(order, OrderState.ACCEPTED, text, at=now).save()
        order.save(update_fields=["state", "customer_status", "updated_at"])
