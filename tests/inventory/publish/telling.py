"""Deciding what to tell, and what a channel was told."""

from __future__ import annotations

from datetime import datetime

from inventory.models import Channel, Publication
from inventory.services.publish import publish_stock


def decide(now: datetime) -> int:
    looked = 0
    while found := publish_stock(limit=500, now=now):
        looked += found
    return looked


def told(channel: Channel) -> list[tuple[str, int, str, str]]:
    rows = Publication.objects.filter(channel=channel).order_by("pk")
    return list(rows.values_list("item__sku", "quantity", "reason", "state"))
