"""How much of a span counts, and when is it over? Pure: working hours, zones, holidays.

Days are local, sums are made in UTC: a working day on which the clocks change is as long as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
ZERO = timedelta(0)
# A calendar that opens on no day for so long will never open; the rest counts round the clock.
MOST_QUIET_DAYS = 3 * 366

Span = tuple[time, time]


@dataclass(frozen=True)
class Hours:
    """When somebody works: spans of each weekday (0 is Monday) in a zone, but on no closed day.

    A span that ends at 00:00 ends at the end of its day.
    """

    zone: ZoneInfo
    week: Mapping[int, Sequence[Span]]
    is_closed: Callable[[date], bool] = lambda day: False


def business_time(hours: Hours | None, start: datetime, end: datetime) -> timedelta:
    """How much of the span counts; without hours, all of it. Nothing when `end` is not later."""
    # Between moments of one zone Python counts by the clock on the wall, which may jump.
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if end <= start:
        return ZERO
    if hours is None:
        return end - start
    total = ZERO
    for opens, closes in _open_spans(hours, start):
        if opens >= end:
            return total
        total += max(min(closes, end) - max(opens, start), ZERO)
    return total


def due_at(hours: Hours | None, start: datetime, span: timedelta) -> datetime:
    """The first moment by which `span` of time that counts has passed since `start`."""
    start = start.astimezone(UTC)
    if hours is None or span <= ZERO:
        return start + max(span, ZERO)
    left, last = span, start
    for opens, closes in _open_spans(hours, start):
        last = max(opens, start)
        if closes - last >= left:
            return last + left
        left -= max(closes - last, ZERO)
    return last + left


def _open_spans(hours: Hours, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Open spans that end after `start`, in UTC, in order and without overlap."""
    reached = start
    day = start.astimezone(hours.zone).date()
    quiet_days = 0
    while quiet_days <= MOST_QUIET_DAYS:
        quiet_days += 1
        for opens, closes in _spans_of(hours, day):
            begins = max(opens, reached)
            if closes > begins:
                yield begins, closes
                reached, quiet_days = closes, 0
        day += ONE_DAY


def _spans_of(hours: Hours, day: date) -> list[tuple[datetime, datetime]]:
    if hours.is_closed(day):
        return []
    return sorted(
        (_at(hours.zone, day, opens), _at(hours.zone, day + ONE_DAY * (closes == time()), closes))
        for opens, closes in hours.week.get(day.weekday(), ())
    )


def _at(zone: ZoneInfo, day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, zone).astimezone(UTC)
