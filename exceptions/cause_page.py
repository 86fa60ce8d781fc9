"""Everything a person needs to know about one cause: what it is, what it holds, what cured it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from exceptions.groups import cases_of_cause, visible_causes
from exceptions.history import Suggestion, suggestion_of, way_in_words, way_of
from exceptions.models import Cause, CauseEvent, ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.models.proof import Proof
from exceptions.playbook import play_of
from exceptions.rows import CaseRow, person, rows_of
from exceptions.selectors import most_urgent, visible_cases
from retailhub.kernel.money import to_cents

DAYS = 14
MOST_CASES = 50
MOST_SIMILAR = 5
MOST_OTHERS = 50


@dataclass(frozen=True)
class Bar:
    """One day of the trend, placed in a picture of 14 × 100."""

    day: Any
    count: int
    x: int
    y: int
    height: int


@dataclass(frozen=True)
class Similar:
    """Another cause of the same kind, and how most of its cases were closed."""

    cause: Cause
    cured: int
    how: str


@dataclass(frozen=True)
class CausePage:
    """Field by field what `exceptions/cause_detail.html` asks for."""

    cause: Cause
    happened: str
    todo: str
    suggestion: Suggestion | None
    open_cases: int
    orders: int
    money: list[str]
    last_seen: datetime
    verified: int
    unproved: int
    bars: list[Bar]
    trend: str
    rows: list[CaseRow]
    similar: list[Similar]
    merged: list[str]
    events: list[dict[str, Any]]


def cause_page(cause: Cause, *, user: Any, now: datetime) -> CausePage:
    """The page of a cause for `user`: only cases they may see are on it and counted."""
    mine = cases_of_cause(cause.pk).filter(pk__in=visible_cases(user).values("pk"))
    open_ones = mine.filter(state__in=OPEN_STATES)
    numbers = _numbers(mine)
    newest = mine.order_by("-pk").first()
    play, bars = play_of(cause.code), trend_of(mine, now=now)
    merged = cause.merged.order_by("title", "pk")
    return CausePage(
        cause=cause,
        happened=play.consequence,
        todo=play.advice,
        suggestion=suggestion_of(newest) if newest else None,
        open_cases=numbers["open"],
        orders=numbers["orders"],
        money=_money(open_ones),
        last_seen=numbers["seen"] or cause.last_seen_at,
        verified=numbers["verified"],
        unproved=numbers["closed"] - numbers["verified"],
        bars=bars,
        trend=_sentence(bars),
        rows=rows_of(list(most_urgent(open_ones)[:MOST_CASES])),
        similar=_similar(cause, user),
        merged=list(merged.values_list("title", flat=True)[:MOST_OTHERS]),
        events=[_line(event) for event in events_of(cause).order_by("-pk")[:MOST_OTHERS]],
    )


def _numbers(cases: QuerySet[ExceptionCase]) -> dict[str, Any]:
    is_open = Q(state__in=OPEN_STATES)
    return cases.aggregate(
        open=Count("pk", filter=is_open),
        orders=Count("order_number", filter=is_open & ~Q(order_number=""), distinct=True),
        closed=Count("pk", filter=~is_open),
        verified=Count("pk", filter=Q(proof=Proof.VERIFIED)),
        seen=Max("cause__last_seen_at"),
    )


def _money(cases: QuerySet[ExceptionCase]) -> list[str]:
    held = cases.exclude(currency="").values("currency").annotate(sum=Sum("value"))
    return [
        f"{to_cents(row['sum'], row['currency'])} {row['currency']}"
        for row in held.order_by("currency")
        if row["sum"]
    ]


def trend_of(cases: QuerySet[ExceptionCase], *, now: datetime) -> list[Bar]:
    """How many were opened on each of the last days, in the reader's time zone."""
    today = timezone.localdate(now)
    days = [today - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
    found = (
        cases.filter(opened_at__gte=now - timedelta(days=DAYS))
        .order_by()
        .values(day=TruncDate("opened_at"))
        .annotate(count=Count("pk"))
    )
    counts = {row["day"]: row["count"] for row in found}
    most = max([*counts.values(), 1])
    heights = [-(-counts.get(day, 0) * 100 // most) for day in days]
    return [
        Bar(day, counts.get(day, 0), x, 100 - height, height)
        for x, (day, height) in enumerate(zip(days, heights, strict=True))
    ]


def _sentence(bars: Sequence[Bar]) -> str:
    total, worst = sum(bar.count for bar in bars), max(bars, key=lambda bar: bar.count)
    if not total:
        return f"None in the last {DAYS} days."
    return f"{total} in the last {DAYS} days, most on {worst.day:%d %b}: {worst.count}."


def _similar(cause: Cause, user: Any) -> list[Similar]:
    """Causes of the same kind that were cured, and how, the latest first. Two queries."""
    cured = visible_cases(user).filter(code=cause.code, proof=Proof.VERIFIED)
    others = cured.exclude(pk__in=cases_of_cause(cause.pk).values("pk")).order_by()
    latest = others.values("cause").annotate(last=Max("closed_at")).order_by("-last", "cause")
    ids = [row["cause"] for row in latest[:MOST_SIMILAR]]
    ways: dict[int, Counter[str]] = {pk: Counter() for pk in ids}
    rows = others.filter(cause__in=ids).values("cause", "code", "resolution", "cure")
    for row in rows.annotate(count=Count("pk")):
        ways[row["cause"]][way_of(row)] += row["count"]
    causes = Cause.objects.in_bulk(ids)
    return [
        Similar(causes[pk], ways[pk].total(), way_in_words(ways[pk].most_common(1)[0][0]))
        for pk in ids
    ]


def others_to_merge(cause: Cause, user: Any) -> list[tuple[int, str]]:
    """Causes that it may be merged into: of the same kind or connection, the newest first."""
    alike = Q(code=cause.code)
    if cause.connection_id is not None:
        alike |= Q(connection=cause.connection_id)
    found = visible_causes(user).filter(alike).exclude(pk=cause.pk).order_by("-last_seen_at", "pk")
    return list(found.values_list("pk", "title")[:MOST_OTHERS])


def events_of(cause: Cause) -> QuerySet[CauseEvent]:
    """What was done to a cause, or to one that is shown as it."""
    about = Q(cause=cause) | Q(other=cause) | Q(cause__merged_into=cause)
    return CauseEvent.objects.filter(about).select_related(
        "cause", "other", "actor", "taken_back_by"
    )


def _line(event: CauseEvent) -> dict[str, Any]:
    is_undone = hasattr(event, "taken_back_by")
    words = _WORDS[event.verb].format(cause=event.cause.title, other=event.other.title)
    return {
        "id": event.pk,
        "text": f"{words} (taken back)" if is_undone else words,
        "detail": event.reason,
        "by": person(event.actor),
        "at": event.at,
        "may_undo": event.verb != CauseEvent.Verb.UNDO and not is_undone,
    }


_WORDS = {
    CauseEvent.Verb.MERGE.value: "Merged “{cause}” into “{other}”",
    CauseEvent.Verb.SPLIT.value: "Split “{other}” from “{cause}”",
    CauseEvent.Verb.UNDO.value: "Took back what was done to “{cause}” and “{other}”",
}
