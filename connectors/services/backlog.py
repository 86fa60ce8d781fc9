"""Does live work wait? Asked by those who must give way to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection as database

# Younger than this it does not wait: a worker that heard no doorbell has yet to look.
PATIENCE = "2 seconds"

_INBOUND = """
SELECT EXISTS (
    SELECT 1 FROM connectors_inboundmessage m
    JOIN connectors_connection c ON c.id = m.connection_id AND c.inbound_paused_at IS NULL
    WHERE m.state IN ('RECEIVED', 'WAITING', 'PARKED')
      AND m.next_attempt_at <= now() - %s::interval AND m.id <> ALL(%s)
      AND NOT EXISTS (
        SELECT 1 FROM connectors_inboundmessage p
        WHERE p.lane = m.lane AND p.id < m.id
          AND p.state IN ('RECEIVED', 'PROCESSING', 'WAITING')))
"""
_OUTBOUND = """
SELECT EXISTS (
    SELECT 1 FROM connectors_outboundmessage o
    WHERE o.connection_id = %s AND o.state IN ('READY', 'UNKNOWN')
      AND o.next_attempt_at <= now() - %s::interval AND o.id <> ALL(%s)
      AND NOT EXISTS (
        SELECT 1 FROM connectors_outboundmessage p
        WHERE p.connection_id = o.connection_id AND p.lane = o.lane AND p.id < o.id
          AND p.state NOT IN ('SENT', 'CANCELLED', 'SUPERSEDED')))
"""


def has_inbound_backlog(*, except_ids: Sequence[int]) -> bool:
    """True when a message that could be taken has been due for a while; not counting these."""
    return _asked(_INBOUND, [PATIENCE, list(except_ids)])


def has_outbound_backlog(*, connection_id: int, except_ids: Sequence[int]) -> bool:
    """True when an effect that could be asked for has been due for a while; not counting these."""
    return _asked(_OUTBOUND, [connection_id, PATIENCE, list(except_ids)])


def _asked(statement: str, values: list[Any]) -> bool:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return bool(cursor.fetchone()[0])
