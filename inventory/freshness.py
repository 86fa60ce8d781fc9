"""Would the same question about stock get the same answer? Told without working it out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection


def shelf_digest(*, item_ids: Iterable[int], channel_id: int | None, at: datetime) -> str:
    """A digest of everything that what may be sold of these items depends on, in one query.

    An arrival counts by the hours it is away, which is how far a rule's horizon reaches.
    """
    values = {"items": sorted(set(item_ids)), "channel": channel_id, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_DIGEST, values)
        return str(cursor.fetchone()[0])


def _listed(columns: str, rows: str) -> str:
    """SQL: these columns of these rows as one text, in the order of their ids."""
    text = f"coalesce(string_agg(ROW({columns})::text, '' ORDER BY id), '')"
    return f"(SELECT {text} FROM {rows})"  # noqa: S608 - the words below


_PARTS = (
    _listed(
        "item_id, location_id, on_hand, reserved, allocated",
        "inventory_stocklevel WHERE item_id = ANY (%(items)s::bigint[])",
    ),
    _listed(
        "item_id, location_id, quantity - received_quantity,"
        " ceil(extract(epoch FROM expected_at - %(at)s::timestamptz) / 3600)",
        "inventory_intransit WHERE item_id = ANY (%(items)s::bigint[])"
        " AND received_quantity < quantity",
    ),
    _listed("id, sku, category, is_active", "inventory_item WHERE id = ANY (%(items)s::bigint[])"),
    _listed(
        "id, knob, value, item_id, category, channel_id, location_id, note",
        "inventory_availabilityrule WHERE is_active",
    ),
    _listed(
        "id, code, priority, silent_since, fallback, fallback_percent",
        "inventory_location WHERE is_active",
    ),
    _listed("location_id", "inventory_channel_locations WHERE channel_id = %(channel)s::bigint"),
)
_DIGEST = f"SELECT md5(concat_ws('/', coalesce(%(channel)s::text, ''), {', '.join(_PARTS)}))"
