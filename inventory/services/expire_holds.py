"""Time is up: holds that nobody committed end by themselves."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from inventory.events import StockFreed
from inventory.models import Reservation
from inventory.services.give_back import give_back, lock_held
from retailhub.kernel.events import publish

MAX_ROUNDS = 40


def expire_holds(*, now: datetime, limit: int = 500) -> int:
    """End the holds that expired by `now`, the oldest first, `limit` at once. Returns how many."""
    ended = 0
    for _ in range(MAX_ROUNDS):
        count = _expire(now, limit)
        ended += count
        if count < limit:
            break
    return ended


@transaction.atomic
def _expire(now: datetime, limit: int) -> int:
    rows, levels = lock_held(Reservation.objects.filter(expires_at__lte=now), limit=limit)
    give_back(rows, levels, state=Reservation.State.EXPIRED, trace_id=None, now=now)
    if rows:
        publish(StockFreed(item_ids=tuple({row.item_id for row in rows})))
    return len(rows)
