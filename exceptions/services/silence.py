"""Which nodes have stopped saying what they hold? A heartbeat for each, and what counts meanwhile.

A node of a watched connection is expected to say something of its stock every so many minutes; any
count or movement of its own is a beat. Overdue, the connection's fallback counts, also while the
connection itself is down and has its own case; the next word ends both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from connectors.models import CodeMapping, Connection
from exceptions.models import Expectation
from exceptions.services.expectations import Awaited, expect, meet, void
from inventory.availability import Fallback
from inventory.models import Location
from inventory.offers import last_heard, silences
from inventory.services.silence import Silent, mark_silences

TEMPLATE = "node_reports"
# A beat is looked for at least so far back, however long the clock stood.
LOOK_BACK = timedelta(minutes=10)


@dataclass(frozen=True)
class _Watched:
    """A node, and the connection that speaks for it."""

    node: Location
    connection: Connection

    @property
    def key(self) -> str:
        return f"{self.connection.slug}:{self.node.code}"


def watch_nodes(*, now: datetime) -> tuple[int, int]:
    """Hear beats, and let fallbacks begin and end. Returns how many nodes fell silent and spoke."""
    watched = _watched()
    _expect(watched, now)
    rows = _heartbeats(watched)
    _hear(watched, rows, now)
    silent = {
        one.node.pk: Silent(
            since=rows_now.opened_at,
            fallback=Fallback(one.connection.fallback),
            percent=one.connection.fallback_percent,
        )
        for one, rows_now in _with_rows(watched, _heartbeats(watched))
        if rows_now.due_at <= now
    }
    # Of a node that is watched no more nobody knows that it is silent.
    known = {one.node.pk for one in watched} | {row.location_id for row in silences()}
    return mark_silences(silent=silent, watched=known)


def _watched() -> list[_Watched]:
    rows = CodeMapping.objects.filter(
        table=CodeMapping.Table.LOCATION,
        connection__silence_minutes__gt=0,
        connection__is_active=True,
        connection__role=Connection.Role.WAREHOUSE,
    ).select_related("connection")
    by_code = {row.canonical_code: row.connection for row in rows.order_by("-connection_id", "pk")}
    nodes = Location.objects.filter(code__in=by_code, is_active=True).order_by("pk")
    return [_Watched(node, by_code[node.code]) for node in nodes]


def _expect(watched: Sequence[_Watched], now: datetime) -> None:
    expect(
        template=TEMPLATE,
        awaited=[
            Awaited(
                key=one.key,
                subject=one.node.name,
                connection_id=one.connection.pk,
                minutes=one.connection.silence_minutes,
            )
            for one in watched
        ],
        now=now,
    )
    wanted = {one.key for one in watched}
    live = Expectation.objects.filter(template__code=TEMPLATE, voided_at=None)
    others = set(live.values_list("business_key", flat=True)) - wanted
    if others:
        void(template=TEMPLATE, keys=sorted(others), why="It is not watched any more", now=now)


def _heartbeats(watched: Sequence[_Watched]) -> dict[str, Expectation]:
    rows = Expectation.objects.filter(
        Q(template__is_active=True),
        template__code=TEMPLATE,
        voided_at=None,
        business_key__in=[one.key for one in watched],
    )
    return {row.business_key: row for row in rows.order_by("pk")}


def _with_rows(
    watched: Iterable[_Watched], rows: dict[str, Expectation]
) -> Iterable[tuple[_Watched, Expectation]]:
    return ((one, rows[one.key]) for one in watched if one.key in rows)


def _hear(watched: Sequence[_Watched], rows: dict[str, Expectation], now: datetime) -> None:
    """Meet every heartbeat whose node said something since, at the minute when it was heard."""
    pairs = list(_with_rows(watched, rows))
    if not pairs:
        return
    speaking = [row.opened_at for one, row in pairs if one.node.silent_since is None]
    since = min([now - LOOK_BACK, *speaking])
    heard = last_heard([one.node.pk for one, _ in pairs], since=since)
    beats: dict[datetime, dict[str, str]] = defaultdict(dict)
    for one, row in pairs:
        at = heard.get(one.node.pk)
        if at is not None and at > row.opened_at:
            beats[at.replace(second=0, microsecond=0)][one.key] = f"{one.node.code} at {at:%H:%M}"
    for minute, keys in sorted(beats.items()):
        meet(template=TEMPLATE, keys=keys, now=min(minute + timedelta(minutes=1), now))
