"""Holding the way a shop does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from inventory.models import Item, Location, Reservation, StockLevel
from inventory.services.consume import Consumption, consume_stock
from inventory.services.hold import Hold, HoldAnswer, HoldLine, hold_stock

SHOP = "webshop"


def line(sku: str, quantity: int, *nodes: str) -> HoldLine:
    places = Location.objects.filter(code__in=nodes).order_by("pk").values_list("pk", flat=True)
    return HoldLine(
        item_id=Item.objects.get(sku=sku).pk, quantity=quantity, location_ids=tuple(places)
    )


def hold(reference: str, *lines: HoldLine, now: datetime, **more: Any) -> HoldAnswer:
    return hold_stock(Hold(**{"owner": SHOP, **more}, reference=reference, lines=lines), now=now)


def granted(answer: HoldAnswer) -> list[int]:
    """Units held, line by line."""
    return [one.granted for one in answer.lines]


def states() -> list[str]:
    """Of every reservation, in the order they were made."""
    return list(Reservation.objects.order_by("pk").values_list("state", flat=True))


def ship(level: StockLevel, quantity: int, now: datetime) -> None:
    """The warehouse sends out what `A` holds."""
    part = Consumption(
        reference=f"{SHOP}/A",
        item_id=level.item_id,
        location_id=level.location_id,
        quantity=quantity,
        effect_key="ship:1",
    )
    consume_stock([part], trace_id=None, left_at=now)
