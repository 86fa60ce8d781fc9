"""What waited for a system when it came back: the incident's report counts what became of it."""

from __future__ import annotations

from django.db import models

from connectors.models import OutboundMessage
from exceptions.models.cases import ExceptionCase


class HeldEffect(models.Model):
    """An effect that was owed when the system of an incident answered again."""

    incident = models.ForeignKey(
        ExceptionCase, on_delete=models.CASCADE, related_name="held_effects", db_index=False
    )
    effect = models.ForeignKey(OutboundMessage, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["incident", "effect"], name="exceptions_heldeffect_counted_once"
            ),
        )

    def __str__(self) -> str:
        return f"effect {self.effect_id} of incident {self.incident_id}"
