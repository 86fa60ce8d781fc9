"""Is it alive, and does it make progress? That is the age of what is due, not a running process."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

AGES_SQL = """
SELECT 'inbox', count(*), extract(epoch FROM now() - min(next_attempt_at))
  FROM connectors_inboundmessage WHERE state IN ('RECEIVED', 'WAITING') AND next_attempt_at <= now()
UNION ALL
SELECT 'orders', count(*), extract(epoch FROM now() - min(updated_at))
  FROM orders_order WHERE state IN ('ACCEPTED', 'RESERVED') AND held_for = ''
UNION ALL
SELECT 'outbox ' || criticality, count(*), extract(epoch FROM now() - min(next_attempt_at))
  FROM connectors_outboundmessage o
  JOIN connectors_connection c ON c.id = o.connection_id
   AND c.outbound_paused_at IS NULL AND c.closed_until IS NULL
 WHERE o.state IN ('READY', 'UNKNOWN') AND o.next_attempt_at <= now() GROUP BY criticality
"""
STUCK_SECONDS = 300


def lane_ages() -> list[dict[str, Any]]:
    """Per lane: how many rows are due and how long the oldest has been, in seconds."""
    with connection.cursor() as cursor:
        cursor.execute(AGES_SQL)
        return [
            {"lane": lane, "due": due, "oldest_seconds": round(float(age or 0), 1)}
            for lane, due, age in cursor.fetchall()
        ]


@login_not_required
@require_safe
def healthz(_: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(_: HttpRequest) -> JsonResponse:
    """The database answers and no lane is stuck; 503 otherwise, saying which."""
    try:
        lanes = lane_ages()
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503, headers={"Retry-After": "5"})
    stuck = [lane["lane"] for lane in lanes if lane["oldest_seconds"] > STUCK_SECONDS]
    status = 503 if stuck else 200
    return JsonResponse(
        {"status": "stuck" if stuck else "ok", "stuck": stuck, "lanes": lanes}, status=status
    )
