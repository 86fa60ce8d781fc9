"""How fast may a replay of many go? Half of what each system allows, and only into gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.models import Connection
from connectors.services import limiter
from connectors.services.backlog import has_inbound_backlog, has_outbound_backlog

SHARE = 0.5
# What we take again ourselves: so few at once that a batch of live messages hardly grows.
HUB_PER_SECOND = 20.0


def pace_of(connections: Iterable[Connection]) -> tuple[float, str]:
    """Items per second, and whose limit that is. The slowest system decides."""
    slowest = min(
        {row.pk: row for row in connections}.values(),
        key=lambda row: row.rate_per_second,
        default=None,
    )
    if slowest is None or slowest.rate_per_second * SHARE >= HUB_PER_SECOND:
        return HUB_PER_SECOND, "RetailHub's own limit for replays"
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
