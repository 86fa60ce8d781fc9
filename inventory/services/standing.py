"""Is a reservation still standing? Locked, or the reason why not."""

from __future__ import annotations

from datetime import datetime

from inventory.errors import ReservationEnded, ReservationUnknown
from inventory.models import Reservation, StockLevel
from inventory.selectors import Spot
from inventory.services.give_back import lock_held

_ENDED = {
    Reservation.State.RELEASED: "was released",
    Reservation.State.EXPIRED: "has expired",
    Reservation.State.CONSUMED: "has left with the goods",
}


def lock_standing(
    reference: str, *, now: datetime, also_at: int | None = None
) -> tuple[list[Reservation], dict[Spot, StockLevel]]:
    """What is held under `reference` and its levels, locked.

    A hold ends when its time is up, whether or not the clock has looked since. Raises
    `ReservationEnded` or `ReservationUnknown`.
    """
    promises = Reservation.objects.filter(reference=reference)
    rows, levels = lock_held(promises, also_at=also_at)
    name = reference.partition("/")[2]
    if any(row.expires_at is not None and row.expires_at <= now for row in rows):
        raise ReservationEnded(f"The reservation {name} has expired.")
    if rows:
        return rows, levels
    last = promises.order_by("-pk").values_list("state", flat=True).first()
    if last is None:
        raise ReservationUnknown(f"There is no reservation {name}.")
    raise ReservationEnded(f"The reservation {name} {_ENDED[Reservation.State(last)]}.")
