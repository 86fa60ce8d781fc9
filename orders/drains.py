"""Take orders through the steps that need nobody outside: accepted → reserved → allocated."""

from __future__ import annotations

from django.utils import timezone

from orders.services.allocate import allocate_due_orders
from orders.services.reserve import reserve_due_orders

BATCH = 100
MAX_ROUNDS = 200


def advance_orders() -> int:
    """Reserve and allocate until nothing is due. Returns how many steps were taken."""
    steps = 0
    for _ in range(MAX_ROUNDS):
        taken = reserve_due_orders(limit=BATCH, now=timezone.now())
        taken += allocate_due_orders(limit=BATCH, now=timezone.now())
        if taken == 0:
            break
        steps += taken
    return steps
