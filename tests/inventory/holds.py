"""Holding the way a shop does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from inventory.models import Item, Location
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
