"""I don't want it after all: what is still held may be promised to others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from inventory.errors import ReservationUnknown
from inventory.models import Reservation
from inventory.selectors import describe_reservation
from inventory.services.answers import answer_once, fingerprint_of, key_name
from inventory.services.hold import held_reference
from inventory.services.release import release_stock


def release_hold(
    *,
    owner: str,
    reference: str,
    now: datetime,
    key: str = "",
    trace_id: UUID | None = None,
) -> Mapping[str, Any]:
    """Let go of everything held under `reference`, and describe it. What has ended stays as it is.

    Raises `ReservationUnknown` for a reference that never held anything.
    """
    return answer_once(
        partial(_release, held_reference(owner, reference), trace_id, now),
        names=key_name(owner, key),
        fingerprint=fingerprint_of("release", reference),
    )


def _release(reference: str, trace_id: UUID | None, now: datetime) -> Mapping[str, Any]:
    if not Reservation.objects.filter(reference=reference).exists():
        raise ReservationUnknown(f"There is no reservation {reference.partition('/')[2]}.")
    release_stock([reference], trace_id=trace_id, now=now)
    return describe_reservation(reference, now=now)
