"""I have decided: what was held until then is held for good."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from inventory.models import Reservation
from inventory.selectors import describe_reservation
from inventory.services.answers import answer_once, fingerprint_of, key_name
from inventory.services.hold import held_reference
from inventory.services.standing import lock_standing


def commit_hold(*, owner: str, reference: str, now: datetime, key: str = "") -> Mapping[str, Any]:
    """Take the end off everything held under `reference`, and describe it.

    Committing again, or what never had an end, changes nothing. Raises `ReservationEnded` once it
    has expired (whoever is first, the clock or this, the other comes too late), was released or has
    left; `ReservationUnknown` for a reference that never held anything.
    """
    return answer_once(
        partial(_commit, held_reference(owner, reference), now),
        names=key_name(owner, key),
        fingerprint=fingerprint_of("commit", reference),
    )


def _commit(reference: str, now: datetime) -> Mapping[str, Any]:
    rows, _ = lock_standing(reference, now=now)
    Reservation.objects.filter(pk__in=[row.pk for row in rows]).update(expires_at=None)
    return describe_reservation(reference, now=now)
