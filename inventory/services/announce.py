"""What is on its way, as its sender says: how many, where to and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """Units of one item that `reference` (a purchase order, a transfer) brings to a location."""

    reference: str
    item_id: int
    location_id: int
    quantity: int
    expected_at: datetime
    source: str = ""


@transaction.atomic
def announce_arrivals(announcements: Sequence[Announcement]) -> None:
    """Put on record how many are to come in all; the newest word on a reference counts.

    What was received of it already stays received. Nothing is on hand before it arrives.
    """
    if not announcements:
        return
    newest = {(a.reference, a.item_id, a.location_id): a for a in announcements}
    rows = [newest[key] for key in sorted(newest)]
    names = ("reference", "item_id", "location_id", "quantity", "expected_at", "source")
    with connection.cursor() as cursor:
        cursor.execute(_ANNOUNCE, [[getattr(row, name) for row in rows] for name in names])


# Within a rule's horizon this changes what may be sold, so those who publish must hear of it.
_ANNOUNCE = """
WITH said AS (
    INSERT INTO inventory_intransit AS t
        (reference, item_id, location_id, quantity, expected_at, source, updated_at)
    SELECT reference, item_id, location_id, quantity, expected_at, source, now()
    FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::int[], %s::timestamptz[], %s::text[])
         AS v(reference, item_id, location_id, quantity, expected_at, source)
    ON CONFLICT (reference, item_id, location_id) DO UPDATE
    SET quantity = excluded.quantity, expected_at = excluded.expected_at,
        source = excluded.source, updated_at = now()
    WHERE (t.quantity, t.expected_at) IS DISTINCT FROM (excluded.quantity, excluded.expected_at)
    RETURNING item_id)
INSERT INTO inventory_stocksignal (item_id) SELECT DISTINCT item_id FROM said
"""
