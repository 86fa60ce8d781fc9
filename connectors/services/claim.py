"""Due -> claimed: the effects this worker may ask for now, each with its intent on record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from django.db import connection as database
from django.db import transaction

from connectors.lifecycle import Criticality
from connectors.models import Attempt
from connectors.policy import LEASE_MARGIN
from connectors.services.process import worker_name

# Fair across connections: one slow or busy account never fills a whole claim, unless it takes so
# many calls at once that it would be idle between two claims.
PER_CONNECTION = 16

CLAIM_SQL = """
WITH due AS (
    -- Each connection's own first rows: a long queue of one hides nobody else's.
    SELECT d.id, d.criticality, d.next_attempt_at
    FROM connectors_connection c CROSS JOIN LATERAL (
        SELECT o.id, o.criticality, o.next_attempt_at FROM connectors_outboundmessage o
        WHERE o.connection_id = c.id AND o.state IN ('READY', 'UNKNOWN')
          AND o.next_attempt_at <= now() AND o.criticality = ANY(%(criticality)s)
          AND NOT EXISTS (
            SELECT 1 FROM connectors_outboundmessage p
            WHERE p.connection_id = o.connection_id AND p.lane = o.lane AND p.id < o.id
              AND p.state NOT IN ('SENT', 'CANCELLED', 'SUPERSEDED'))
        ORDER BY o.criticality, o.next_attempt_at, o.id
        LIMIT greatest(
            greatest(%(per_connection)s, 2 * c.concurrency)
            - coalesce((%(away)s::jsonb ->> c.id::text)::int, 0), 0)
        FOR UPDATE OF o SKIP LOCKED) d
    WHERE c.is_active AND c.outbound_paused_at IS NULL AND c.closed_until IS NULL
), pick AS (
    SELECT id FROM due ORDER BY criticality, next_attempt_at, id LIMIT %(limit)s
), claimed AS (
    UPDATE connectors_outboundmessage o
    SET must_look_up = must_look_up OR state = 'UNKNOWN', state = 'SENDING',
        attempts = o.attempts + 1, lease_token = lease_token + 1, lease_owner = %(owner)s,
        lease_until = now() + make_interval(secs => c.timeout_seconds) + %(margin)s::interval
    FROM pick, connectors_connection c
    WHERE o.id = pick.id AND c.id = o.connection_id
    RETURNING o.id, o.attempts, o.lease_token, o.must_look_up
)
INSERT INTO connectors_attempt (message_id, number, lease_token, is_look_up)
SELECT id, attempts, lease_token, must_look_up FROM claimed RETURNING id
"""


@transaction.atomic(durable=True)
def claim_effects(
    criticalities: Sequence[Criticality], limit: int, *, away: Mapping[int, int] | None = None
) -> list[Attempt]:
    """The intents of up to `limit` effects, most critical first.

    `away` says how many calls the claimer has on their way to each connection: they count.
    """
    with database.cursor() as cursor:
        cursor.execute(
            CLAIM_SQL,
            {
                "criticality": [str(c) for c in criticalities],
                "limit": limit,
                "per_connection": PER_CONNECTION,
                "away": json.dumps(away or {}),
                "owner": worker_name(),
                "margin": str(LEASE_MARGIN),
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    rows = Attempt.objects.filter(pk__in=ids).select_related("message")
    rows = rows.prefetch_related("message__connection")
    return list(rows.order_by("message__criticality", "message_id"))
