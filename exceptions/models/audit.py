"""Who did what, when and why: rows that nobody changes, empties or deletes, the owner included.

The database refuses it (`retailhub/kernel/append_only.py`). To take an act back is an act of its
own, which points at the first. One thing can be removed: what was typed or quoted as `text`, where
the law asks for it. It needs an `Erasure`, which stays and says by whom, when and why; who did what
stays as well. People who leave are renamed in their own row, since acts name them by id.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from exceptions.models.cases import ExceptionCase


class CaseEvent(models.Model):
    """Who did what to a case, with before and after; without an actor it was the clock."""

    case = models.ForeignKey(ExceptionCase, on_delete=models.PROTECT, related_name="events")
    verb = models.CharField(max_length=20)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    text = models.TextField(blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField(db_default=Now())
    takes_back = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="taken_back_by"
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(takes_back=None) | Q(verb="undo"),
                name="exceptions_event_only_undo_takes_back",
            ),
        )
        indexes = (
            # The activity of a case.
            models.Index(fields=["case", "-id"], name="exceptions_event_by_case"),
            # The audit: newest first, of everybody.
            models.Index(fields=["-at", "-id"], name="exceptions_event_by_time"),
            # The audit of one person.
            models.Index(
                fields=["actor", "-at", "-id"],
                condition=Q(actor__isnull=False),
                name="exceptions_event_by_actor",
            ),
        )

    def __str__(self) -> str:
        return f"{self.verb} {self.case_id}"


class Erasure(models.Model):
    """The text of an act is gone for good, and this is who removed it and why."""

    event = models.OneToOneField(CaseEvent, on_delete=models.PROTECT, related_name="erasure")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=~Q(reason=""), name="exceptions_erasure_has_a_reason"),
        )

    def __str__(self) -> str:
        return f"of act {self.event_id}"
