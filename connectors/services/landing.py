"""May the call before this one still do something?

A call whose answer was lost may be applied until the settle time is over, even if it was asked for
again at once and that one worked. What comes next in the lane would be undone by it: a sales order
that was closed is opened again by its own posting, coming late.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from connectors.systems.http import RemoteThrottled

# Read over the index by order: finished effects are not in the index of lanes.
LANDING_SQL = """
SELECT o.id, extract(epoch FROM max(a.finished_at) - now())::float + c.settle_seconds
FROM connectors_outboundmessage o
JOIN connectors_connection c ON c.id = o.connection_id
JOIN connectors_outboundmessage p ON p.order_id = o.order_id AND p.connection_id = o.connection_id
 AND p.lane = o.lane AND p.id < o.id
JOIN connectors_attempt a ON a.message_id = p.id AND a.outcome IN ('UNKNOWN', 'CRASHED')
 AND a.finished_at > now() - make_interval(secs => c.settle_seconds)
WHERE o.id = ANY(%s) GROUP BY o.id, c.settle_seconds
"""


def seconds_to_land(message_ids: Sequence[int]) -> dict[int, float]:
    """How long each effect must wait for what the one before it may still do; most need not."""
    with connection.cursor() as cursor:
        cursor.execute(LANDING_SQL, [list(message_ids)])
        return {message_id: max(seconds, 0.0) for message_id, seconds in cursor.fetchall()}


def let_land(seconds: float | None) -> None:
    """Pass an effect that need not wait. Raises `RemoteThrottled`: put off, not failed."""
    if seconds is not None:
        raise RemoteThrottled("An earlier call for this order may still be applied.", after=seconds)
