"""What did we know, and what did we tell, at that moment?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from inventory.models import Publication, StockMovement

# Per level, because only there the newest come without sorting all that ever happened.
_NEWEST = """
SELECT m.id FROM unnest(%s::bigint[]) AS l (id) CROSS JOIN LATERAL (
    SELECT id FROM inventory_stockmovement
    WHERE level_id = l.id AND (%s::bigint IS NULL OR id < %s) ORDER BY id DESC LIMIT %s) m
ORDER BY m.id DESC LIMIT %s
"""
_AS_OF = """
SELECT l.id, m.on_hand_after, m.reserved_after, m.allocated_after, m.heard_at
FROM unnest(%s::bigint[]) AS l (id) CROSS JOIN LATERAL (
    SELECT on_hand_after, reserved_after, allocated_after, heard_at FROM inventory_stockmovement
    WHERE level_id = l.id AND heard_at <= %s ORDER BY id DESC LIMIT 1) m
"""


@dataclass(frozen=True)
class LevelThen:
    """What we knew of one level, in units, since `known_since`."""

    on_hand: int
    reserved: int
    allocated: int
    known_since: datetime


def newest_movements(
    level_ids: Iterable[int], *, before: int | None = None, limit: int
) -> list[StockMovement]:
    """Movements of these levels, newest first; those older than the one with id `before`."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [list(level_ids), before, before, limit, limit])
        ids = [row[0] for row in cursor.fetchall()]
    rows = StockMovement.objects.filter(pk__in=ids).select_related("level__location")
    return list(rows.order_by("-pk"))


def levels_as_of(level_ids: Iterable[int], *, at: datetime) -> dict[int, LevelThen]:
    """What we knew at `at`, by level; levels of which we had heard nothing yet are missing."""
    with connection.cursor() as cursor:
        cursor.execute(_AS_OF, [list(level_ids), at])
        return {row[0]: LevelThen(*row[1:]) for row in cursor.fetchall()}


def told_at(*, channel_id: int, item_id: int, at: datetime) -> Publication | None:
    """The number in force at the channel at `at`: the newest that it had taken by then."""
    told = Publication.objects.filter(channel_id=channel_id, item_id=item_id, sent_at__lte=at)
    return told.filter(state=Publication.State.SENT).order_by("-pk").first()
