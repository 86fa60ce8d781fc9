"""What orders do when stock changes or a step is done."""

from __future__ import annotations

from django.utils import timezone

from inventory.events import StockCounted, StockFreed
from orders.services.resume import resume_orders_waiting_for
from orders.tasks import advance_orders
from retailhub.kernel.events import Event
from retailhub.kernel.work import after_commit

# More than this many waiting orders are woken by the next count or by the sweep, not all at once.
WAKE_AT_ONCE = 50


def wake_waiting_orders(event: StockCounted | StockFreed) -> None:
    """Orders that were short of these items try again."""
    resume_orders_waiting_for(event.item_ids, limit=WAKE_AT_ONCE, now=timezone.now())


def ring_steps(_: Event) -> None:
    """Workers take the next step now."""
    after_commit(advance_orders)
