"""Time that counts: over nights, weekends, holidays and the two days when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exceptions.worktime import Hours, business_time, due_at

BERLIN, NEW_YORK, KIRITIMATI = map(
    ZoneInfo, ("Europe/Berlin", "America/New_York", "Pacific/Kiritimati")
)
NINE_TO_FIVE = ((time(9), time(17)),)
WEEK = dict.fromkeys(range(5), NINE_TO_FIVE)
CHRISTMAS = {date(2026, 12, 25), date(2026, 12, 26)}
DESK = Hours(BERLIN, WEEK, CHRISTMAS.__contains__)
NIGHTS = ((time(0), time(6)), (time(22), time(0)))
NIGHT = Hours(BERLIN, dict.fromkeys(range(7), NIGHTS))
H, M = timedelta(hours=1), timedelta(minutes=1)


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("hours", "start", "span", "end"),
    [
        (None, at("2026-11-25 16:30"), 2 * H, at("2026-11-25 18:30")),
        (DESK, at("2026-11-25 10:00"), 2 * H, at("2026-11-25 12:00")),
        (DESK, at("2026-11-25 15:00"), 2 * H, at("2026-11-25 17:00")),  # to the last minute
        (DESK, at("2026-11-25 16:30"), 2 * H, at("2026-11-26 10:30")),  # over night
        (DESK, at("2026-11-25 07:00"), 1 * H, at("2026-11-25 10:00")),  # before it opens
        (DESK, at("2026-11-27 16:00"), 2 * H, at("2026-11-30 10:00")),  # over a weekend
        (DESK, at("2026-11-28 12:00"), 1 * M, at("2026-11-30 09:01")),  # on a Saturday
        (DESK, at("2026-12-24 16:00"), 2 * H, at("2026-12-28 10:00")),  # over Christmas
        (DESK, at("2026-11-25 10:00"), 40 * H, at("2026-12-02 10:00")),  # a whole week
        # Clocks go forward on 29 March at 2:00 and back on 25 October at 3:00.
        (NIGHT, at("2026-03-29 01:00"), 2 * H, at("2026-03-29 04:00")),
        (NIGHT, at("2026-10-25 01:00"), 2 * H, at("2026-10-25 02:00").replace(fold=1)),
        (NIGHT, at("2026-03-28 22:00"), 8 * H, at("2026-03-29 22:00") + 1 * H),
        (NIGHT, at("2026-10-24 22:00"), 8 * H, at("2026-10-25 05:00")),
        (None, at("2026-03-29 01:00"), 2 * H, at("2026-03-29 04:00")),
        (
            Hours(NEW_YORK, WEEK),
            at("2026-11-25 10:00"),  # four in the morning there
            H,
            at("2026-11-25 10:00", NEW_YORK),
        ),
        (Hours(KIRITIMATI, WEEK), at("2026-11-22 21:00"), H, at("2026-11-22 21:00") + 1 * H),
    ],
)
def test_a_deadline_is_when_so_much_time_has_counted(
    hours: Hours | None, start: datetime, span: timedelta, end: datetime
) -> None:
    found = due_at(hours, start, span)

    assert found.astimezone(UTC) == end.astimezone(UTC)
    assert business_time(hours, start, found) == span


@pytest.mark.parametrize(
    ("start", "end", "counts"),
    [
        ("2026-11-25 16:00", "2026-11-26 10:00", 2 * H),
        ("2026-11-27 17:00", "2026-11-30 09:00", 0 * H),
        ("2026-12-24 09:00", "2026-12-29 17:00", 24 * H),
        ("2026-11-25 12:00", "2026-11-25 12:00", 0 * H),
        ("2026-11-25 12:00", "2026-11-25 11:00", 0 * H),
    ],
)
def test_only_open_hours_count(start: str, end: str, counts: timedelta) -> None:
    assert business_time(DESK, at(start), at(end)) == counts


def test_spans_that_overlap_count_once() -> None:
    double = Hours(BERLIN, {2: [(time(9), time(12)), (time(11), time(13)), (time(9), time(10))]})

    assert business_time(double, at("2026-11-25 00:00"), at("2026-11-26 00:00")) == 4 * H


def test_a_calendar_that_never_opens_still_has_a_deadline() -> None:
    never = Hours(BERLIN, WEEK, lambda day: True)

    assert due_at(never, at("2026-11-25 10:00"), H) == at("2026-11-25 11:00")
    assert business_time(never, at("2026-11-25 10:00"), at("2026-12-25 10:00")) == 0 * H


def _minute(number: int) -> time:
    return time(number // 60, number % 60)


spans = st.tuples(st.integers(0, 1438), st.integers(1, 1440)).map(
    lambda v: (_minute(v[0]), _minute(min(v[0] + v[1], 1440) % 1440))
)
calendars = st.builds(
    Hours,
    st.sampled_from([BERLIN, NEW_YORK, KIRITIMATI]),
    st.dictionaries(st.integers(0, 6), st.lists(spans, min_size=1, max_size=3), min_size=1),
    st.sets(st.dates(date(2026, 3, 20), date(2026, 4, 10)), max_size=4).map(
        lambda closed: closed.__contains__
    ),
)
moments = st.timedeltas(timedelta(0), timedelta(days=230)).map(
    lambda since: datetime(2026, 3, 20, tzinfo=UTC) + since
)
lengths = st.timedeltas(timedelta(0), timedelta(hours=60))


@given(calendars | st.none(), moments, moments, moments)
def test_time_that_counts_adds_up(
    hours: Hours | None, one: datetime, two: datetime, three: datetime
) -> None:
    a, b, c = sorted((one, two, three))

    assert business_time(hours, a, b) + business_time(hours, b, c) == business_time(hours, a, c)
    assert timedelta(0) <= business_time(hours, a, b) <= b - a


@given(calendars | st.none(), moments, lengths, lengths)
def test_a_deadline_keeps_what_it_promises(
    hours: Hours | None, start: datetime, span: timedelta, more: timedelta
) -> None:
    end = due_at(hours, start, span)

    assert end >= start + span
    assert business_time(hours, start, end) == span
    assert due_at(hours, start, span + more) >= end
    assert due_at(hours, end, more) == due_at(hours, start, span + more) or not span
    assert due_at(hours, start + M, span) >= end
