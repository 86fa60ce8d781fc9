"""What did we tell this channel at 14:03, and why?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from inventory.history import levels_as_of, told_at
from inventory.models import Channel, Item, Publication, StockLevel
from retailhub.console.inventory.offers import RESULTS, lag_text

RECENT = 20


def moment_in(text: str) -> datetime | None:
    """The moment a person typed, in their zone unless it names one; None if it is none."""
    try:
        at = parse_datetime(text.strip()) if text else None
    except ValueError:
        return None
    if at is None or not 1970 < at.year < 9000:
        return None
    return at if at.tzinfo else timezone.make_aware(at)


def answer_at(item: Item, channel: Channel, at: datetime) -> Publication | None:
    """The number in force then, with its stored explanation."""
    return told_at(channel_id=channel.pk, item_id=item.pk, at=at)


def levels_at(levels: list[StockLevel], at: datetime) -> list[dict[str, Any]]:
    """What we knew of each node then."""
    then = levels_as_of([level.pk for level in levels], at=at)
    return [
        {
            "node": level.location.name,
            "known": known,
            "free": known.on_hand - known.reserved - known.allocated if known else None,
        }
        for level in levels
        for known in [then.get(level.pk)]
    ]


def recent_answers(item: Item, channel: Channel, before: int | None) -> list[dict[str, Any]]:
    """What it was told lately, newest first; those older than the one with id `before`."""
    rows = Publication.objects.filter(channel=channel, item=item).defer("explanation")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [
        {
            "id": row.pk,
            "quantity": row.quantity,
            "reason": row.get_reason_display(),
            "result": RESULTS[Publication.State(row.state)],
            "at": row.sent_at or row.decided_at,
            "lag": lag_text(row.changed_at, row.sent_at),
            "asked": _asked(row.sent_at) if row.sent_at else "",
        }
        for row in rows.order_by("-pk")[: RECENT + 1]
    ]


def _asked(sent_at: datetime) -> str:
    # A field for a time holds whole seconds; the next one is the first in which it was told.
    return f"{timezone.localtime(sent_at + timedelta(seconds=1)):%Y-%m-%dT%H:%M:%S}"
