"""What the house itself must remember: hints for browsers, and which job ran for which slot."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class LiveEvent(models.Model):
    """Something changed that a page may show. The id is the sequence browsers count by."""

    topic = models.CharField(max_length=80)
    entity = models.CharField(max_length=60)
    version = models.BigIntegerField(default=0)
    verb = models.CharField(max_length=8, default="upd")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (
            # The catch-up read of a page that was away.
            models.Index(fields=["topic", "id"], name="retailhub_live_by_topic"),
        )

    def __str__(self) -> str:
        return f"{self.topic} {self.entity} {self.verb}"


class JobRun(models.Model):
    """One slot of one job. The key makes a second scheduler harmless."""

    pk = models.CompositePrimaryKey("job", "due_at")
    job = models.CharField(max_length=60)
    due_at = models.DateTimeField()
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.job} {self.due_at}"
