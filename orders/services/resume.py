"""Held -> due again: by a person, or because what was missing has come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from inventory.errors import InsufficientStock
from inventory.selectors import available_by_node
from orders.errors import CancelledAtNode, NodeShort
from orders.models import Order
from orders.selectors import lock_orders, lock_orders_that_stock_could_serve
from orders.services.hold import resume_order
from orders.services.reroute import place_again

_PLACED_AGAIN = frozenset({NodeShort.code, CancelledAtNode.code})


@transaction.atomic
def resume_held_order(*, order_id: int, code: str, now: datetime) -> bool:
    """Take the hold for `code` off one order. Says whether it was held for that, and nothing else.

    One whose node will not send it is placed again. Raises `PartlyUnderWay` where that can't be.
    """
    (order,) = lock_orders([order_id])
    if not order.held_for or order.held_for != code:
        return False
    if code in _PLACED_AGAIN:
        place_again(order, now=now)
    resume_order(order, now=now)
    return True


@transaction.atomic
def resume_orders_waiting_for(item_ids: Iterable[int], *, limit: int, now: datetime) -> int:
    """Let the oldest orders that wait for these items and can be served go on. Returns how many."""
    wanted = list(item_ids)
    # Mostly nobody waits, and a file of stock may count thousands of items at once.
    if not Order.objects.filter(held_for=InsufficientStock.code).exists():
        return 0
    if not any(units > 0 for units in available_by_node(wanted).values()):
        return 0
    return _resume(lock_orders_that_stock_could_serve(item_ids=wanted, limit=limit), now)


@transaction.atomic
def resume_longest_waiting(*, limit: int, now: datetime) -> int:
    """Wake orders whose missing stock is there by now, whoever forgot to say so."""
    return _resume(lock_orders_that_stock_could_serve(limit=limit), now)


def _resume(orders: Iterable[Order], now: datetime) -> int:
    """Resume as many as there is stock for, oldest first: the others would only be held again."""
    waiting = {order.pk: _needs(order) for order in orders}
    room: dict[int, int] = {}
    for (item_id, _), units in available_by_node(
        {item_id for needs in waiting.values() for item_id in needs}
    ).items():
        room[item_id] = room.get(item_id, 0) + max(units, 0)
    resumed = 0
    for order in orders:
        needs = waiting[order.pk]
        if any(room.get(item_id, 0) < units for item_id, units in needs.items()):
            continue
        for item_id, units in needs.items():
            room[item_id] -= units
        resume_order(order, now=now)
        resumed += 1
    return resumed


def _needs(order: Order) -> dict[int, int]:
    needs: dict[int, int] = {}
    for line in order.lines.order_by("pk"):
        if line.is_placed and line.item_id is not None:
            needs[line.item_id] = needs.get(line.item_id, 0) + line.wanted_quantity
    return needs
