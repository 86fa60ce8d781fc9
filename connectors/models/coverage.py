"""What a source has and never told us of by itself."""

from __future__ import annotations

from django.db import models

from connectors.models.connection import Connection
from connectors.models.messages import InboundMessage


class MissedOrder(models.Model):
    """An order that the source's own list has and no message of the source told us of in time.

    We asked for it ourselves: `message` is what we took in instead. `told_at` is set when the
    source told us after all, later than it should.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="missed")
    external_id = models.CharField(max_length=80)
    number = models.CharField(max_length=80)
    placed_at = models.DateTimeField(help_text="By the source's clock.")
    found_at = models.DateTimeField()
    message = models.ForeignKey(
        InboundMessage, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["connection", "external_id"], name="connectors_missedorder_found_once"
            ),
        )
        indexes = (
            # The connection page, and the look for those that were told after all.
            models.Index(fields=["connection", "found_at"], name="connectors_missed_newest"),
        )

    def __str__(self) -> str:
        return self.number
