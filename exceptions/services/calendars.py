"""From the rows of a calendar to hours that can be counted by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import holidays

from connectors.models import Connection
from exceptions.models import Calendar, SlaPolicy
from exceptions.worktime import Hours, Span

DOWN = frozenset({Connection.Health.DOWN.value, Connection.Health.SIGN_IN.value})


class Clocks:
    """What clocks go by, read once per use: make one where a batch begins."""

    def __init__(self) -> None:
        self._hours: dict[int | None, Hours | None] = {None: None}
        self._down: dict[int, bool] = {}

    def hours_of(self, policy: SlaPolicy | None) -> Hours | None:
        """The policy's working hours; None is round the clock."""
        calendar_id = policy.calendar_id if policy else None
        if calendar_id is not None and calendar_id not in self._hours:
            self._hours[calendar_id] = read_hours(Calendar.objects.get(pk=calendar_id))
        return self._hours[calendar_id]

    @cached_property
    def _policies(self) -> list[SlaPolicy]:
        return list(SlaPolicy.objects.filter(is_active=True).order_by("position", "pk"))

    def policy_for(self, code: str, severity: int) -> SlaPolicy | None:
        """The last active policy for this class of errors and severity."""
        for policy in reversed(self._policies):
            if severity >= policy.severity_from and code.startswith(policy.code_prefix):
                return policy
        return None

    def is_down(self, connection_id: int) -> bool:
        """Whether a connection can't be worked with."""
        if connection_id not in self._down:
            down = Connection.objects.filter(pk=connection_id, health__in=DOWN)
            self._down[connection_id] = down.exists()
        return self._down[connection_id]


def read_hours(calendar: Calendar) -> Hours | None:
    """A calendar's hours. One without any counts round the clock: better early than never."""
    week: dict[int, list[Span]] = {}
    for weekday, opens, closes in calendar.hours.values_list("weekday", "opens", "closes"):
        week.setdefault(weekday, []).append((opens, closes))
    if not week:
        return None
    closed = set(calendar.closed_days.values_list("day", flat=True))
    is_public = _public_holidays(calendar.country, calendar.subdivision)
    return Hours(ZoneInfo(calendar.time_zone), week, lambda day: day in closed or is_public(day))


@lru_cache(maxsize=64)
def _public_holidays(country: str, subdivision: str) -> Callable[[date], bool]:
    if not country:
        return lambda day: False
    known = holidays.country_holidays(country, subdiv=subdivision or None)
    return lambda day: day in known
