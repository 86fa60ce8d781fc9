"""Asking for promises the way orders do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime

from inventory.models import Item, Location
from inventory.services.reserve import Chooser, Held, PromiseRequest, Wanted, promise_stock
from orders.sourcing import Need, Node, choose_nodes
from retailhub.kernel.trace import new_trace_id


def by_priority() -> Chooser:
    """Nodes chosen by the product's own rule."""
    nodes = [Node(place.pk, place.code, place.priority) for place in Location.objects.all()]

    def choose(
        request: PromiseRequest, room: Mapping[tuple[int, int], int]
    ) -> Sequence[Held] | None:
        needs = [Need(w.reference, w.item_id, str(w.item_id), w.quantity) for w in request.wanted]
        decision = choose_nodes(needs, nodes, room)
        wanted = {w.reference: w for w in request.wanted}
        if not decision.is_complete:
            return None
        return [
            Held(
                wanted=wanted[take.reference], location_id=take.location_id, quantity=take.quantity
            )
            for take in decision.takes
        ]

    return choose


def request_for(reference: str, **units: int) -> PromiseRequest:
    """Units by SKU, each its own line of `reference`."""
    items = dict(Item.objects.filter(sku__in=units).values_list("sku", "pk"))
    return PromiseRequest(
        key=reference,
        wanted=tuple(
            Wanted(reference=f"{reference}:{sku}", item_id=items[sku], quantity=quantity)
            for sku, quantity in units.items()
        ),
        trace_id=new_trace_id(),
    )


def promise(reference: str, instead_of: str = "", /, *, now: datetime, **units: int) -> bool:
    """Whether these units could be promised to `reference`, which may take over a hold."""
    request = dataclasses.replace(request_for(reference, **units), instead_of=instead_of)
    kept = promise_stock([request], choose=by_priority(), now=now)
    return kept[reference]
