"""The promise is no longer needed: its units may be promised again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from inventory.events import StockFreed
from inventory.models import Reservation
from inventory.services.give_back import give_back, lock_held
from retailhub.kernel.events import publish


@transaction.atomic
def release_stock(
    references: Iterable[str],
    *,
    trace_id: UUID | None,
    now: datetime,
    location_id: int | None = None,
) -> int:
    """Let go of every promise still held for `references` (at one location, if given).

    Units already shipped stay gone. Returns how many became free; asking again frees nothing more.
    """
    promises = Reservation.objects.filter(reference__in=list(references))
    if location_id is not None:
        promises = promises.filter(location_id=location_id)
    rows, levels = lock_held(promises)
    units = give_back(rows, levels, state=Reservation.State.RELEASED, trace_id=trace_id, now=now)
    if rows:
        publish(StockFreed(item_ids=tuple({row.item_id for row in rows})))
    return units
