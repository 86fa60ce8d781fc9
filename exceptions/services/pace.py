"""How fast may a replay of many go? Half of what each system allows, and only into gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.models import Connection
from connectors.services import limiter
from connectors.services.backlog import has_inbound_backlog, has_outbound_backlog

SHARE = 0.5
# What is asked of others again: to send it and to see its end take a fifth of a processor.
ASKED_PER_SECOND = 50.0
# What we take again ourselves: so few at once that a batch of live messages hardly grows.
TAKEN_PER_SECOND = 20.0


def pace_of(connections: Iterable[Connection | None]) -> tuple[float, str]:
    """Items per second, and whose limit that is. The slowest system decides.

    Each is the system that an item is asked of again, or none if we take it again ourselves.
    """
    asked = list(connections)
    slowest = min(
        {row.pk: row for row in asked if row is not None}.values(),
        key=lambda row: row.rate_per_second,
        default=None,
    )
    most = TAKEN_PER_SECOND if None in asked or slowest is None else ASKED_PER_SECOND
    if slowest is None or slowest.rate_per_second * SHARE >= most:
        return most, "RetailHub's own limit for replays"
    return slowest.rate_per_second * SHARE, f"half of the {slowest.name} limit"


def gap(connection: Connection | None, *, is_outbound: bool, ours: Sequence[int]) -> str:
    """Why nothing may be released now; empty where live work leaves room.

    `ours` are the messages of the run itself that are on their way.
    """
    if is_outbound and connection is not None:
        return _outbound_gap(connection, ours)
    return "Live messages go first" if has_inbound_backlog(except_ids=ours) else ""


def _outbound_gap(connection: Connection, ours: Sequence[int]) -> str:
    if connection.closed_until is not None:
        return f"{connection.name} does not answer"
    if has_outbound_backlog(connection_id=connection.pk, except_ids=ours):
        return f"Live calls to {connection.name} go first"
    if not limiter.has_room(connection):
        return f"{connection.name} is at its rate limit"
    return ""
