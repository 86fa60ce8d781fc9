"""How far behind is a channel that does not hear of changes in time? Read anew with each look."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from exceptions.models import ExceptionCase
from exceptions.rows import duration
from exceptions.services.stock_cases import LATE
from inventory.offers import Lag, lags
from inventory.services.watch_lag import WINDOW


def lag_facts(case: ExceptionCase, now: datetime) -> list[tuple[str, str, bool]]:
    """Since when and how far behind it is, for an open case of such a channel."""
    if case.code != LATE or case.closed_at is not None:
        return []
    found = lags(window=WINDOW, now=now, channel_id=case.context["channel_id"])
    return [fact for lag in found for fact in _facts(lag, now)]


def _facts(lag: Lag, now: datetime) -> list[tuple[str, str, bool]]:
    if lag.oldest:
        since = timezone.localtime(now - timedelta(seconds=lag.oldest))
        behind = f"{duration(timedelta(seconds=lag.oldest))}, since {since:%d %b %H:%M}"
    else:
        behind = "Knows every change now"
    facts = [("Behind", behind, bool(lag.oldest and lag.oldest > lag.slo_seconds))]
    if lag.sent_p95 is not None:
        took = duration(timedelta(seconds=lag.sent_p95))
        facts.append(
            ("Took lately", f"{took}, for 95 of 100 changes", lag.sent_p95 > lag.slo_seconds)
        )
    return facts
