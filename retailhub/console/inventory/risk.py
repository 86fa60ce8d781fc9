"""What should somebody look at first? Units sold twice, numbers that are wrong or late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.utils import timezone
from django.utils.http import urlencode

from inventory.availability import Fallback
from inventory.models import Channel, ChannelOffer, Location, StockLevel
from retailhub.console.inventory.offers import DRIFTS, is_late, is_told

MOST = 5
OVERSOLD = Q(on_hand__lt=F("reserved") + F("allocated"))
_MEANWHILE = {
    Fallback.HOLD: "its last numbers count",
    Fallback.SHARE: "{percent} % of its last numbers count",
    Fallback.STOP: "nothing of it is sold",
}

Risk = dict[str, Any]


def risks(channels: Sequence[Channel], *, now: datetime) -> list[Risk]:
    """The worst of each kind, as sentences that lead to the items; four queries."""
    return [*_oversold(), *_drifting(channels), *_late(channels, now), *_silent()]


def _oversold() -> list[Risk]:
    # Reads every level: an index over these columns would cost each promise more than this page.
    rows = StockLevel.objects.filter(OVERSOLD).values("location__code", "location__name")
    short = Sum(F("reserved") + F("allocated") - F("on_hand"))
    return [
        _risk(
            "red",
            f"{row['units']} unit{_s(row['units'])} oversold at {row['location__name']}",
            f"{row['items']} item{_s(row['items'])}",
            view="oversold",
            node=row["location__code"],
        )
        for row in rows.annotate(units=short, items=Count("pk")).order_by(
            "-units", "location__code"
        )[:MOST]
    ]


def _drifting(channels: Sequence[Channel]) -> list[Risk]:
    return [
        _risk(
            "red",
            f"{name} shows {count} number{_s(count)} it was not told",
            "",
            view="drift",
            channel=code,
        )
        for code, name, count in _counted(channels, DRIFTS)
    ]


def _late(channels: Sequence[Channel], now: datetime) -> list[Risk]:
    return [
        _risk(
            "amber",
            f"{name} has not heard of {count} change{_s(count)}",
            "",
            view="stale",
            channel=code,
        )
        for code, name, count in _counted([c for c in channels if is_told(c)], is_late(now))
    ]


def _counted(channels: Sequence[Channel], which: Q) -> list[tuple[str, str, int]]:
    rows = ChannelOffer.objects.filter(which, channel__in=channels)
    groups = rows.values_list("channel__code", "channel__name").annotate(count=Count("pk"))
    return list(groups.order_by("-count", "channel__code")[:MOST])


def _silent() -> list[Risk]:
    rows = Location.objects.filter(silent_since__isnull=False, is_active=True)
    return [
        _risk(
            "amber",
            f"{row.name} is silent since {timezone.localtime(row.silent_since):%d %b %H:%M}",
            _MEANWHILE[Fallback(row.fallback)].format(percent=row.fallback_percent),
            view="silent",
            node=row.code,
        )
        for row in rows.order_by("silent_since", "pk")[:MOST]
        if row.silent_since is not None
    ]


def _risk(color: str, text: str, detail: str, **query: str) -> Risk:
    return {"color": color, "text": text, "detail": detail, "href": f"?{urlencode(query)}"}


def _s(count: int) -> str:
    return "" if count == 1 else "s"
