"""What the database says of all stock at once."""

from __future__ import annotations

from typing import Any

from django.db import connection

# Each level, and whether it agrees with the ledger, with its newest line and with the promises
# that are held, and whether no promise took more than there was.
LEVELS = """
SELECT i.sku, p.code, l.on_hand,
       (l.on_hand, l.reserved, l.allocated)
           IS NOT DISTINCT FROM (m.on_hand, m.reserved, m.allocated),
       (l.on_hand, l.reserved, l.allocated)
           IS NOT DISTINCT FROM (n.on_hand_after, n.reserved_after, n.allocated_after),
       l.reserved = coalesce(r.units, 0),
       m.beyond = 0
FROM inventory_stocklevel l
JOIN inventory_item i ON i.id = l.item_id JOIN inventory_location p ON p.id = l.location_id
LEFT JOIN LATERAL (
    SELECT sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved,
           sum(allocated_change) AS allocated,
           count(*) FILTER (WHERE kind = 'RESERVED'
                            AND reserved_after + allocated_after > on_hand_after) AS beyond
    FROM inventory_stockmovement WHERE level_id = l.id) m ON true
LEFT JOIN LATERAL (
    SELECT * FROM inventory_stockmovement WHERE level_id = l.id ORDER BY id DESC LIMIT 1) n ON true
LEFT JOIN LATERAL (
    SELECT sum(quantity - consumed_quantity) AS units FROM inventory_reservation
    WHERE item_id = l.item_id AND location_id = l.location_id AND state = 'HELD') r ON true
"""


EVERYTHING = """
SELECT (SELECT md5(string_agg(concat(on_hand, reserved, allocated, counted_at), ',' ORDER BY id))
        FROM inventory_stocklevel),
       (SELECT md5(string_agg(r::text, ',' ORDER BY id)) FROM inventory_reservation r),
       (SELECT count(*) FROM inventory_stockmovement),
       (SELECT count(*) FROM inventory_reservationanswer),
       (SELECT count(*) FROM inventory_stocksignal)
"""


def ask(sql: str) -> list[Any]:
    """Its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
