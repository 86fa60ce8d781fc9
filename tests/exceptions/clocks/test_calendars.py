"""Hours are those of a zone and a country, without its holidays and closed days."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from exceptions.models import Calendar, ClosedDay
from exceptions.services.calendars import read_hours


def test_public_holidays_and_own_closed_days_do_not_count(office: Calendar) -> None:
    ClosedDay.objects.create(calendar=office, day=date(2026, 12, 24), name="Christmas Eve")
    hours = read_hours(office)
    assert hours is not None

    closed = [day for day in range(20, 32) if hours.is_closed(date(2026, 12, day))]

    assert closed == [24, 25, 26]
    assert not hours.is_closed(date(2026, 6, 4))
    office.subdivision = "BY"
    bavarian = read_hours(office)
    assert bavarian is not None
    assert bavarian.is_closed(date(2026, 6, 4))  # Corpus Christi, in some of the country


def test_a_calendar_without_hours_counts_round_the_clock(db: None) -> None:
    assert read_hours(Calendar.objects.create(name="Empty", time_zone="UTC")) is None


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"time_zone": "Berlin"}, "There is no such time zone"),
        ({"country": "XX"}, "are not known here"),
        ({"country": "DE", "subdivision": "QQ"}, "are not known here"),
    ],
)
def test_a_calendar_names_a_zone_and_a_country_that_there_are(
    columns: dict[str, str], said: str
) -> None:
    row = Calendar(**{"name": "X", "time_zone": "Europe/Berlin", **columns})

    with pytest.raises(ValidationError, match=said):
        row.full_clean(validate_unique=False, validate_constraints=False)
