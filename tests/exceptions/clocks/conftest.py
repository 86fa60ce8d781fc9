"""A Wednesday morning, and an office that is open."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exceptions.models import Calendar, WorkingHours

# A Wednesday, ten in the morning in Berlin.
WEDNESDAY = datetime(2026, 11, 25, 9, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return WEDNESDAY


@pytest.fixture
def office(db: None) -> Calendar:
    """Nine to five in Berlin, on weekdays."""
    calendar = Calendar.objects.create(name="Office", time_zone="Europe/Berlin", country="DE")
    for weekday in range(5):
        WorkingHours.objects.create(calendar=calendar, weekday=weekday)
    return calendar
