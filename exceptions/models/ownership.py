"""Who looks after what?"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from connectors.models import Connection
from retailhub.kernel.models import Timestamped


class Team(Timestamped):
    """People who share a queue, and the connections they may see."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="teams")
    connections = models.ManyToManyField(Connection, blank=True, related_name="teams")

    history = HistoricalRecords(excluded_fields=["updated_at"])

    def __str__(self) -> str:
        return self.name


class OwnershipRule(Timestamped):
    """A row of the routing table: empty columns match anything, the last matching row wins."""

    position = models.PositiveIntegerField(
        default=100, help_text="Read in this order; the last match wins."
    )
    connection = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.CASCADE)
    code_prefix = models.CharField(
        max_length=80, blank=True, help_text="e.g. connectors.mapping_missing, or inventory."
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="rules")
    is_active = models.BooleanField(default=True)

    history = HistoricalRecords(excluded_fields=["updated_at"])

    def __str__(self) -> str:
        where = f"connection is {self.connection}" if self.connection else "any connection"
        what = f"code starts with {self.code_prefix}" if self.code_prefix else "any code"
        return f"{self.position}. {where}, {what} → {self.team}"
