"""Is it worth calling this system now? Opens after failures, and tries again by itself.

State is on the connection's row, written only on transitions, so every process sees the same and
losing Redis changes nothing. Recent outcomes are counted per process: a hint that only opens.
"""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import datetime, timedelta

from django.db.models import Case, F, When

from connectors import policy
from connectors.events import ConnectionChanged
from connectors.models import Connection
from retailhub.kernel.events import publish

_recent: dict[int, deque[tuple[datetime, bool]]] = defaultdict(lambda: deque(maxlen=100))


def note_success(connection: Connection, *, now: datetime) -> None:
    """A call worked. Closes a breaker that was being probed."""
    _recent[connection.pk].append((now, True))
    if connection.health == Connection.Health.HEALTHY and connection.breaker_trips == 0:
        return
    changed = (
        Connection.objects.filter(pk=connection.pk)
        .exclude(health=Connection.Health.SIGN_IN)
        .update(
            health=Connection.Health.HEALTHY,
            health_since=now,
            health_detail="",
            closed_until=None,
            breaker_trips=0,
        )
    )
    if changed:
        connection.health, connection.breaker_trips = Connection.Health.HEALTHY, 0
        publish(ConnectionChanged(connection_id=connection.pk))


def note_failure(connection: Connection, why: str, *, now: datetime) -> None:
    """A call did not work for reasons of the world. Opens the breaker when that becomes a habit."""
    recent = _recent[connection.pk]
    recent.append((now, False))
    if not _is_habit(recent, now) or connection.breaker_is_open(now):
        return
    recent.clear()
    extend(connection, why, now=now)


def extend(connection: Connection, why: str, *, now: datetime) -> None:
    """Open the breaker, each time in a row for twice as long, up to ten minutes."""
    trips = connection.breaker_trips + 1
    seconds = min(
        policy.BREAKER_OPEN_SECONDS * 2 ** (trips - 1), policy.BREAKER_OPEN_MAX_SECONDS
    ) * float(connection.settings.get("breaker_scale", 1))
    # On the instance too: the next answers of the same batch must not open it again.
    connection.breaker_trips, connection.closed_until = trips, now + timedelta(seconds=seconds)
    _write(
        connection,
        Connection.Health.DOWN,
        why,
        now,
        closed_until=connection.closed_until,
        breaker_trips=trips,
    )


def note_sign_in_needed(connection: Connection, why: str, *, now: datetime) -> None:
    """Sign-in was refused: pause the way out at once; every call would fail alike."""
    _write(
        connection,
        Connection.Health.SIGN_IN,
        why,
        now,
        outbound_paused_at=now,
        pause_reason="Sign-in was rejected. Replace the credential, test it, then resume.",
    )


def _is_habit(recent: deque[tuple[datetime, bool]], now: datetime) -> bool:
    last = list(recent)[-policy.BREAKER_CONSECUTIVE :]
    if len(last) == policy.BREAKER_CONSECUTIVE and not any(worked for _, worked in last):
        return True
    window = [worked for at, worked in recent if now - at <= timedelta(seconds=60)]
    failures = window.count(False)
    return len(window) >= policy.BREAKER_WINDOW_CALLS and failures >= policy.BREAKER_SHARE * len(
        window
    )


def _write(connection: Connection, health: str, why: str, now: datetime, **columns: object) -> None:
    # Not through save(): a breaker that flaps must not fill the history of what people changed.
    # A probe that fails too is the same outage going on.
    since = Case(When(health=health, then=F("health_since")), default=now)
    Connection.objects.filter(pk=connection.pk).update(
        health=health, health_since=since, health_detail=why[:500], **columns
    )
    publish(ConnectionChanged(connection_id=connection.pk))
