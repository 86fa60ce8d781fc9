"""Why many things are stuck at once, and how people drew the line between one cause and another."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from connectors.models import Connection
from retailhub.kernel.models import Timestamped


class Cause(Timestamped):
    """One reason that many things are stuck. `fingerprint` is stable for equal reasons.

    Cases keep the cause of their fingerprint. One that is `merged_into` another is shown, counted
    and replayed as that one, its future cases too; `split_from` names whose cases it was given.
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=80)
    title = models.CharField(max_length=300)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.PROTECT)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="merged", db_index=False
    )
    split_from = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="parts", db_index=False
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=F("id")),
                name="exceptions_cause_is_not_merged_into_itself",
            ),
        )
        indexes = (
            # The page of a cause, and every filter by one: what is shown with it.
            models.Index(
                fields=["merged_into"],
                condition=Q(merged_into__isnull=False),
                name="exceptions_cause_merged",
            ),
            # What was split from a cause.
            models.Index(
                fields=["split_from"],
                condition=Q(split_from__isnull=False),
                name="exceptions_cause_parts",
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def shown_id(self) -> int:
        """The cause that it is shown as."""
        return self.merged_into_id or self.pk


class CauseEvent(models.Model):
    """Who merged which cause into which `other`, or split which `other` from it. Never rewritten.

    `moved` are the causes that were merged into `cause` before and followed it.
    """

    class Verb(models.TextChoices):
        MERGE = "MERGE", "Merged"
        SPLIT = "SPLIT", "Split"
        UNDO = "UNDO", "Taken back"

    cause = models.ForeignKey(Cause, on_delete=models.PROTECT, related_name="events")
    verb = models.CharField(max_length=5, choices=Verb.choices)
    other = models.ForeignKey(Cause, on_delete=models.PROTECT, related_name="+")
    moved = models.JSONField(default=list, db_default=[])
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    reason = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now())
    takes_back = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="taken_back_by"
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=(Q(verb="UNDO") & Q(takes_back__isnull=False))
                | (~Q(verb="UNDO") & Q(takes_back=None)),
                name="exceptions_causeevent_undo_takes_back",
            ),
        )

    def __str__(self) -> str:
        return f"{self.verb} {self.cause_id}"
