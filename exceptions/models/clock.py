"""By when must somebody be at it, and by when must it be solved?"""

from __future__ import annotations

from datetime import time
from zoneinfo import available_timezones

import holidays
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from retailhub.kernel.models import Timestamped


def known_zone(name: str) -> None:
    """Refuses a time zone that there is not."""
    if name not in available_timezones():
        raise ValidationError("There is no such time zone. Use a name like Europe/Berlin.")


class Calendar(Timestamped):
    """When a clock runs: working hours in a zone, without public holidays and own closed days."""

    name = models.CharField(max_length=80, unique=True)
    time_zone = models.CharField(
        max_length=64, validators=[known_zone], help_text="e.g. Europe/Berlin"
    )
    country = models.CharField(
        max_length=2,
        blank=True,
        help_text="Whose public holidays are free, e.g. DE. Empty: none.",
    )
    subdivision = models.CharField(
        max_length=8, blank=True, help_text="Also those of a part of it, e.g. BY."
    )

    history = HistoricalRecords(excluded_fields=["updated_at"])

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(subdivision="") | ~Q(country=""),
                name="exceptions_calendar_part_is_of_a_country",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Only countries whose holidays we know."""
        super().clean()
        self.country, self.subdivision = self.country.upper(), self.subdivision.upper()
        if not self.country:
            return
        try:
            holidays.country_holidays(self.country, subdiv=self.subdivision or None)
        except NotImplementedError:
            text = "The holidays of this country or part of it are not known here."
            raise ValidationError({"country": text}) from None


class WorkingHours(models.Model):
    """A span of a weekday. One that closes at 00:00 closes at the end of its day."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0
        TUESDAY = 1
        WEDNESDAY = 2
        THURSDAY = 3
        FRIDAY = 4
        SATURDAY = 5
        SUNDAY = 6

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens = models.TimeField(default=time(9))
    closes = models.TimeField(default=time(17), help_text="00:00 is the end of the day.")

    class Meta:
        verbose_name_plural = "working hours"
        constraints = (
            models.CheckConstraint(
                condition=Q(closes__gt=F("opens")) | Q(closes=time()),
                name="exceptions_hours_close_after_they_open",
            ),
            models.UniqueConstraint(
                fields=["calendar", "weekday", "opens"], name="exceptions_hours_open_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M} to {self.closes:%H:%M}"


class ClosedDay(models.Model):
    """A day on which nobody works here, beside the public holidays."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="closed_days")
    day = models.DateField()
    name = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["calendar", "day"], name="exceptions_closedday_listed_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.name}".strip()


class SlaPolicy(Timestamped):
    """How long a class of errors may take. The last one that matches counts, for new cases.

    Without one the playbook's minutes count, round the clock.
    """

    position = models.PositiveIntegerField(
        default=100, help_text="Read in this order; the last match counts."
    )
    code_prefix = models.CharField(max_length=80, blank=True, help_text="e.g. connectors.")
    severity_from = models.PositiveSmallIntegerField(
        choices=[(1, "Low"), (2, "Medium"), (3, "High"), (4, "Critical")],
        default=1,
        help_text="Of this severity or a higher one.",
    )
    respond_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Until somebody is at it: claims, notes, replays. Empty: not measured.",
    )
    resolve_minutes = models.PositiveIntegerField(
        validators=[MinValueValidator(1)], help_text="Until it is solved."
    )
    calendar = models.ForeignKey(
        Calendar,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="When minutes count. Empty: round the clock.",
    )
    pauses_for_customer = models.BooleanField(
        default=True, help_text="The clock stands while we wait for the customer."
    )
    pauses_for_vendor = models.BooleanField(
        default=True, help_text="… for a partner: shop, carrier, warehouse, bank."
    )
    pauses_for_connection = models.BooleanField(
        default=True, help_text="… while the connection is down, which has a case of its own."
    )
    is_active = models.BooleanField(default=True)

    history = HistoricalRecords(excluded_fields=["updated_at"])

    class Meta:
        verbose_name = "SLA policy"
        verbose_name_plural = "SLA policies"
        constraints = (
            models.CheckConstraint(
                condition=Q(resolve_minutes__gte=1)
                & (Q(respond_minutes=None) | Q(respond_minutes__gte=1)),
                name="exceptions_policy_allows_some_time",
            ),
        )

    def __str__(self) -> str:
        what = f"code starts with {self.code_prefix}" if self.code_prefix else "any code"
        when = self.calendar.name if self.calendar else "round the clock"
        return f"{self.position}. {what} → {self.resolve_minutes} min, {when}"


class LadderStep(models.Model):
    """What happens to a team's case when so much of its time has passed."""

    class Goes(models.TextChoices):
        LEAD = "LEAD", "To a lead of the team"
        PERSON = "PERSON", "To a person"
        TEAM = "TEAM", "To another team"

    team = models.ForeignKey("exceptions.Team", on_delete=models.CASCADE, related_name="ladder")
    percent = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1)], help_text="Of the time to solve it; 100 is the breach."
    )
    goes = models.CharField(max_length=6, choices=Goes.choices)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    to_team = models.ForeignKey(
        "exceptions.Team", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["team", "percent"], name="exceptions_ladder_one_step_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(percent__gte=1), name="exceptions_ladder_step_is_after_the_start"
            ),
            models.CheckConstraint(
                condition=Q(goes="LEAD", person=None, to_team=None)
                | Q(goes="PERSON", person__isnull=False, to_team=None)
                | Q(goes="TEAM", person=None, to_team__isnull=False),
                name="exceptions_ladder_step_leads_to_one",
            ),
        )

    def __str__(self) -> str:
        where = self.person or self.to_team or self.get_goes_display().lower()
        return f"after {self.percent} % → {where}"

    def clean(self) -> None:
        """Exactly what the choice asks for."""
        super().clean()
        wanted = {"PERSON": self.person_id, "TEAM": self.to_team_id}
        if self.goes in wanted and wanted[self.goes] is None:
            raise ValidationError("Choose to whom it goes.")
        if self.goes != "PERSON":
            self.person = None
        if self.goes != "TEAM":
            self.to_team = None
