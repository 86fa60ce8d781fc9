"""What programs did to cases for people: once for each of their keys, and never rewritten."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from connectors.models import ApiKey
from exceptions.models.audit import CaseEvent


class ProgramAct(models.Model):
    """An act that came through the API, with the answer it got: asking again gives that answer."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, db_index=False)
    idempotency_key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="Of the request, to tell a reused key.")
    event = models.OneToOneField(
        CaseEvent, null=True, on_delete=models.PROTECT, related_name="program_act"
    )
    answer = models.JSONField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["api_key", "idempotency_key"], name="exceptions_programact_done_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.idempotency_key} of {self.api_key}"
