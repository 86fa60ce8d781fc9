"""Questions about what channels are told: whom to look at next, how late numbers are, who is late.

Lag is counted in seconds from `changed_at`, when the stock had moved so far that the channel was to
know: to `sent_at`, when it took the number, and to `observed_at`, when it was first seen there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F

from inventory.availability import Fallback
from inventory.models import ChannelOffer, Location


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """An offer to look at, and the nodes it was told for."""

    offer_id: int
    sku: str
    places: tuple[str, ...]


def unseen_offers(
    *,
    channel_id: int,
    told_before: datetime,
    seen_before: datetime,
    doubted_before: datetime,
    limit: int,
) -> list[Unseen]:
    """Which offers of a channel to look at now: first those in doubt, then the longest unseen."""
    told = ChannelOffer.objects.filter(channel_id=channel_id, published_at__lte=told_before)
    doubted = told.filter(drift_since__isnull=False, observed_at__lte=doubted_before)
    never_first = F("observed_at").asc(nulls_first=True)
    rows = list(doubted.select_related("item").order_by("observed_at", "pk")[:limit])
    known = {row.pk for row in rows}
    for row in told.select_related("item").order_by(never_first, "pk")[:limit]:
        is_due = row.observed_at is None or row.observed_at <= seen_before
        if is_due and row.pk not in known and len(rows) < limit:
            rows.append(row)
    return [
        Unseen(offer_id=row.pk, sku=row.item.sku, places=tuple(row.published_nodes)) for row in rows
    ]


@dataclass(frozen=True, kw_only=True)
class Lag:
    """How far one channel is behind, in seconds; None where nothing was told or seen.

    `oldest` is the age of the oldest change that it does not know: it grows while nothing is sent.
    """

    channel_id: int
    channel: str
    slo_seconds: int
    sent: int
    sent_p50: float | None
    sent_p95: float | None
    sent_p99: float | None
    seen: int
    seen_p50: float | None
    seen_p95: float | None
    seen_p99: float | None
    oldest: float | None

    @property
    def is_late(self) -> bool:
        """Whether the channel's promise is broken now."""
        worst = max(self.oldest or 0.0, self.sent_p95 or 0.0)
        return 0 < self.slo_seconds < worst


_LAGS = """
SELECT c.id, c.name, c.slo_seconds, s.n, s.q, o.n, o.q, p.age
FROM inventory_channel c
CROSS JOIN LATERAL (
    SELECT count(*) AS n,
           percentile_cont(ARRAY[0.5, 0.95, 0.99])
               WITHIN GROUP (ORDER BY extract(epoch FROM sent_at - greatest(changed_at,
                   CASE WHEN sent_at > %(awake)s THEN %(awake)s::timestamptz END))) AS q
    FROM inventory_publication
    WHERE channel_id = c.id AND sent_at > %(since)s AND sent_at <= %(now)s
      AND reason IN ('CHANGE', 'THRESHOLD')) s
CROSS JOIN LATERAL (
    SELECT count(*) AS n,
           percentile_cont(ARRAY[0.5, 0.95, 0.99])
               WITHIN GROUP (ORDER BY extract(epoch FROM observed_at - changed_at)) AS q
    FROM inventory_publication
    WHERE channel_id = c.id AND sent_at > %(since)s AND sent_at <= %(now)s
      AND observed_at IS NOT NULL AND reason IN ('CHANGE', 'THRESHOLD')) o
CROSS JOIN LATERAL (
    -- What may wait by the channel's own knobs is not late while it does.
    SELECT CASE c.publish_mode WHEN 'THRESHOLD'
        THEN make_interval(secs => c.publish_wait_seconds) ELSE '0'::interval END AS allowed) w
CROSS JOIN LATERAL (
    SELECT CASE WHEN oldest IS NOT NULL THEN
        extract(epoch FROM %(now)s - greatest(oldest, %(awake)s::timestamptz)) END AS age
    FROM (SELECT least(
        (SELECT min(changed_at) FROM inventory_publication
         WHERE channel_id = c.id AND state = 'OWED'),
        (SELECT min(pending_since) + w.allowed FROM inventory_channeloffer
         WHERE channel_id = c.id AND pending_since <= %(now)s - w.allowed AND paused_at IS NULL
           AND c.publish_mode <> 'FULL'),
        (SELECT min(changed_at) FROM inventory_stocksignal)) AS oldest) q) p
WHERE c.publish_mode <> 'OFF' AND (%(channel_id)s::bigint IS NULL OR c.id = %(channel_id)s)
ORDER BY c.name
"""


def lags(
    *,
    window: timedelta,
    now: datetime,
    channel_id: int | None = None,
    awake_since: datetime | None = None,
) -> list[Lag]:
    """Per channel that is told stock: how long what was told within `window` took, in one query.

    What people, full runs and doubts had told again is no measure of how fast changes travel. What
    is told after `awake_since` counts from then at the earliest.
    """
    values = {"since": now - window, "now": now, "channel_id": channel_id, "awake": awake_since}
    with connection.cursor() as cursor:
        cursor.execute(_LAGS, values)
        return [_lag(row) for row in cursor.fetchall()]


def _lag(row: tuple[object, ...]) -> Lag:
    pk, name, slo, sent, sent_q, seen, seen_q, age = row
    sent_p50, sent_p95, sent_p99 = _floats(sent_q)
    seen_p50, seen_p95, seen_p99 = _floats(seen_q)
    return Lag(
        channel_id=int(str(pk)), channel=str(name), slo_seconds=int(str(slo)),
        sent=int(str(sent)), sent_p50=sent_p50, sent_p95=sent_p95, sent_p99=sent_p99,
        seen=int(str(seen)), seen_p50=seen_p50, seen_p95=seen_p95, seen_p99=seen_p99,
        oldest=None if age is None else max(float(str(age)), 0.0),
    )  # fmt: skip


def _floats(quantiles: object) -> tuple[float | None, float | None, float | None]:
    if not isinstance(quantiles, list) or len(quantiles) != 3:
        return None, None, None
    p50, p95, p99 = (None if value is None else float(value) for value in quantiles)
    return p50, p95, p99


@dataclass(frozen=True, kw_only=True)
class SilentNode:
    """A node of whose stock nothing is heard, since when, and what counts of it meanwhile."""

    location_id: int
    code: str
    name: str
    since: datetime
    fallback: Fallback
    percent: int


def silences() -> list[SilentNode]:
    """The nodes that are silent now, the longest first."""
    rows = Location.objects.filter(silent_since__isnull=False).order_by("silent_since", "pk")
    return [
        SilentNode(
            location_id=row.pk, code=row.code, name=row.name, since=since,
            fallback=Fallback(row.fallback), percent=row.fallback_percent,
        )
        for row in rows
        if (since := row.silent_since) is not None
    ]  # fmt: skip


_LAST_HEARD = """
SELECT l.location_id, max(m.heard_at)
FROM inventory_stockmovement m JOIN inventory_stocklevel l ON l.id = m.level_id
WHERE m.heard_at > %(since)s AND l.location_id = ANY(%(nodes)s)
  AND m.kind NOT IN ('RESERVED', 'RELEASED')
GROUP BY l.location_id
"""


def last_heard(location_ids: Sequence[int], *, since: datetime) -> dict[int, datetime]:
    """When each node last spoke of its stock, if after `since`. Our promises are not its word."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_HEARD, {"since": since, "nodes": list(location_ids)})
        return dict(cursor.fetchall())
