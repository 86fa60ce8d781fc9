"""Held -> due again: by a person, or because what was missing has come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from orders.models import Order
from orders.selectors import lock_orders
from orders.services.hold import resume_order


@transaction.atomic
def resume_held_order(*, order_id: int, now: datetime) -> bool:
    """Take the hold off one order. Says whether there was one."""
    (order,) = lock_orders([order_id])
    was_held = bool(order.held_for)
    resume_order(order, now=now)
    return was_held


@transaction.atomic
def resume_orders_waiting_for(item_ids: Iterable[int], *, limit: int, now: datetime) -> int:
    """Let the oldest orders that are short of these items try again. Returns how many."""
    waiting = (
        Order.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(held_for="inventory.insufficient_stock", lines__item_id__in=list(item_ids))
        .order_by("pk")
    )
    orders = list({order.pk: order for order in waiting[: limit * 4]}.values())[:limit]
    for order in orders:
        resume_order(order, now=now)
    return len(orders)


@transaction.atomic
def resume_longest_waiting(*, limit: int, now: datetime) -> int:
    """Wake orders whose missing stock is there by now, whoever forgot to say so. Returns how many.

    Only those that some node could serve in part: waking the rest would only hold them again.
    """
    rows = Order.objects.filter(
        held_for="inventory.insufficient_stock",
        lines__item__levels__on_hand__gt=F("lines__item__levels__reserved")
        + F("lines__quantity")
        - 1,
    )
    ids = list(rows.order_by("pk").values_list("pk", flat=True).distinct()[:limit])
    for order in (
        Order.objects.select_for_update(skip_locked=True).filter(pk__in=ids).order_by("pk")
    ):
        resume_order(order, now=now)
    return len(ids)
