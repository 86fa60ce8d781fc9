"""Whose word counts? The declared system of record, per domain and node."""

from __future__ import annotations

from django.db import models
from simple_history.models import HistoricalRecords

from connectors.models.connection import Connection
from inventory.models import Location
from retailhub.kernel.models import Timestamped


class SystemOfRecord(Timestamped):
    """The one connection that may write `domain` at `location`; without one, wherever no row says.

    Where nothing is declared, the warehouse whose mapping serves the node is it; where none
    serves it, anybody may write.
    """

    class Domain(models.TextChoices):
        STOCK = "STOCK", "Stock on hand"

    class Policy(models.TextChoices):
        REFUSE = "REFUSE", "Refuse the others quietly"
        RAISE = "RAISE", "Raise a case when another writes"

    domain = models.CharField(max_length=10, choices=Domain.choices, default=Domain.STOCK)
    location = models.ForeignKey(
        Location, null=True, blank=True, on_delete=models.CASCADE, help_text="Empty: every node."
    )
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    policy = models.CharField(max_length=6, choices=Policy.choices, default=Policy.REFUSE)
    note = models.CharField(max_length=200, blank=True, help_text="Why: for the next reader.")

    history = HistoricalRecords(excluded_fields=["updated_at"])

    class Meta:
        verbose_name_plural = "systems of record"
        constraints = (
            models.UniqueConstraint(
                fields=["domain", "location"],
                nulls_distinct=False,
                name="connectors_systemofrecord_one_per_domain_and_node",
            ),
        )

    def __str__(self) -> str:
        where = self.location or "every node"
        return f"{self.get_domain_display()} at {where}: {self.connection}"
