"""The same units' worth, but from another node or for another reference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from inventory.errors import InsufficientStock, ReservationConflict
from inventory.events import StockFreed
from inventory.models import Location, Reservation
from inventory.selectors import Spot, describe_reservation
from inventory.services.answers import answer_once, fingerprint_of, key_name, reference_name
from inventory.services.give_back import give_back
from inventory.services.hold import held_reference
from inventory.services.reserve import Held, PromiseRequest, Wanted, grant
from inventory.services.standing import lock_standing
from retailhub.kernel.events import publish
from retailhub.kernel.rows import run_together


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Everything held under `reference`: to a node, to another reference, or both."""

    owner: str
    reference: str
    to_location_id: int | None = None
    to_reference: str = ""
    key: str = ""
    trace_id: UUID | None = None


def transfer_hold(transfer: Transfer, *, now: datetime) -> Mapping[str, Any]:
    """Move what is still held, whole or not at all, and describe it where it is now.

    Its end stays as it was. Nobody can come between: the new place is promised before the old one
    is free for others. Raises `InsufficientStock` where the node has too little,
    `ReservationConflict` where the other reference is taken, and what `lock_standing` raises.
    """
    owner, to = transfer.owner, transfer.to_reference
    return answer_once(
        partial(_transfer, transfer, now),
        names=key_name(owner, transfer.key),
        takes=[reference_name(owner, to)] if to else [],
        fingerprint=fingerprint_of(
            "transfer", transfer.reference, transfer.to_location_id, transfer.to_reference
        ),
    )


def _transfer(transfer: Transfer, now: datetime) -> Mapping[str, Any]:
    reference = held_reference(transfer.owner, transfer.reference)
    rows, levels = lock_standing(reference, now=now, also_at=transfer.to_location_id)
    if transfer.to_reference:
        reference = _rename(rows, held_reference(transfer.owner, transfer.to_reference))
    if transfer.to_location_id is not None:
        node = Location.objects.get(pk=transfer.to_location_id)
        request = _request(rows, reference, transfer)
        give_back(
            rows, levels, state=Reservation.State.RELEASED, trace_id=transfer.trace_id, now=now
        )
        _, writes = grant([request], levels, choose=partial(_at, node), now=now)
        run_together(*writes)
        publish(StockFreed(item_ids=tuple({row.item_id for row in rows})))
    return describe_reservation(reference, now=now)


def _rename(rows: Sequence[Reservation], reference: str) -> str:
    # No unit moves, so the ledger has nothing to say.
    if Reservation.objects.filter(reference=reference).exists():
        raise ReservationConflict(
            f"There is a reservation {reference.partition('/')[2]} already.", field="to_reference"
        )
    Reservation.objects.filter(pk__in=[row.pk for row in rows]).update(reference=reference)
    return reference


def _request(rows: Sequence[Reservation], reference: str, transfer: Transfer) -> PromiseRequest:
    units: dict[int, int] = defaultdict(int)
    for row in rows:
        units[row.item_id] += row.quantity - row.consumed_quantity
    return PromiseRequest(
        key=reference,
        wanted=tuple(
            Wanted(reference=reference, item_id=item_id, quantity=quantity)
            for item_id, quantity in sorted(units.items())
        ),
        trace_id=transfer.trace_id,
        expires_at=min((row.expires_at for row in rows if row.expires_at), default=None),
    )


def _at(node: Location, request: PromiseRequest, room: Mapping[Spot, int]) -> list[Held]:
    for wanted in request.wanted:
        there = room.get((wanted.item_id, node.pk), 0) if node.is_active else 0
        if there < wanted.quantity:
            raise InsufficientStock(
                f"{node.name} can promise {max(there, 0)} of the {wanted.quantity} units.",
                field="to_node",
            )
    return [Held(wanted=w, location_id=node.pk, quantity=w.quantity) for w in request.wanted]
