"""Many at once: what was selected, and the run that takes it again, item by item."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from connectors.models import ApiKey
from exceptions.lifecycle import ItemState, RunState
from exceptions.models.cases import ExceptionCase
from exceptions.models.causes import Cause


def choices(values: type[ItemState] | type[RunState]) -> list[tuple[str, str]]:
    """Django choices from a lifecycle enum."""
    return [(value.value, value.value.capitalize()) for value in values]


def _one_of(*names: str) -> Q:
    """Exactly one of these columns is filled."""
    found = Q()
    for name in names:
        found |= Q(**{f"{other}__isnull": other != name for other in names})
    return found


class BulkScope(models.Model):
    """Exactly these cases: what a person meant by "all 128 that match" at that moment.

    The numbers are kept, not the filter: a case that comes later is never meant.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE)
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.CASCADE)
    incident = models.ForeignKey(
        ExceptionCase, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    query = models.JSONField(
        default=dict, help_text="The filter it was made from; empty if ticked."
    )
    case_ids = ArrayField(models.BigIntegerField())
    snapshot_max_id = models.BigIntegerField(help_text="The newest case at that moment.")
    cause = models.ForeignKey(Cause, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=_one_of("user", "api_key", "incident"),
                name="exceptions_bulkscope_belongs_to_one_caller",
            ),
        )
        indexes = (
            # The job that forgets what was never used.
            models.Index(fields=["expires_at"], name="exceptions_bulkscope_by_expiry"),
        )

    def __str__(self) -> str:
        return f"{self.count} selected"

    @property
    def count(self) -> int:
        """How many cases were selected."""
        return len(self.case_ids)


class ReplayRun(models.Model):
    """One replay of many: a few first, then twice as many, then all; it stops itself.

    `allowed` says how many items may have been sent so far, `released` how many have been; nothing
    is sent beyond it, whoever drives. `lease_until` only keeps two drivers from pacing one run.
    """

    class Stage(models.TextChoices):
        CANARY = "CANARY", "First few"
        RAMP = "RAMP", "More"
        FULL = "FULL", "All"

    title = models.CharField(max_length=200)
    scope = models.OneToOneField(BulkScope, on_delete=models.PROTECT, related_name="run")
    cause = models.ForeignKey(Cause, null=True, on_delete=models.PROTECT, related_name="runs")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reruns")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="replay_runs"
    )
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.PROTECT)
    incident = models.ForeignKey(
        ExceptionCase, null=True, on_delete=models.PROTECT, related_name="runs"
    )
    reason = models.CharField(max_length=500, blank=True)
    plan = models.JSONField(default=dict, help_text="The numbers that were confirmed.")
    connection_ids = ArrayField(models.BigIntegerField(), default=list)

    state = models.CharField(max_length=10, choices=choices(RunState), default=RunState.RUNNING)
    stage = models.CharField(max_length=6, choices=Stage.choices, default=Stage.CANARY)
    wave = models.PositiveIntegerField(help_text="How many are sent before all are looked at.")
    allowed = models.PositiveIntegerField()
    released = models.PositiveIntegerField(default=0)
    judged_from = models.PositiveIntegerField(
        default=0, help_text="Ends before this one count no more: it was resumed since."
    )
    stop_reason = models.CharField(max_length=300, blank=True)
    held_by = models.CharField(max_length=300, blank=True, help_text="What it waits for now.")

    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    dismissed_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField(null=True, db_default=Now())
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(released__lte=models.F("allowed")),
                name="exceptions_replayrun_never_sends_more_than_allowed",
            ),
            models.CheckConstraint(
                condition=_one_of("started_by", "api_key", "incident"),
                name="exceptions_replayrun_was_started_by_somebody",
            ),
        )
        indexes = (
            # The driver: runs that are due for a look.
            models.Index(
                fields=["next_look_at"],
                condition=Q(finished_at=None),
                name="exceptions_replayrun_due",
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def starter(self) -> Any:
        """Who began it and decides what it may touch: a person, a program's key, an incident."""
        return self.started_by or self.api_key or self.incident

    def snapshot(self) -> dict[str, Any]:
        """What an act may change, as JSON: enough to say before and after."""
        return {
            "state": str(self.state),
            "stage": str(self.stage),
            "allowed": self.allowed,
            "released": self.released,
        }


class ReplayItem(models.Model):
    """One case of a run, and what became of it. `number` is the order in which they are sent."""

    run = models.ForeignKey(ReplayRun, on_delete=models.CASCADE, related_name="items")
    case = models.ForeignKey(ExceptionCase, on_delete=models.PROTECT, related_name="replay_items")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=choices(ItemState))
    why = models.CharField(max_length=20, blank=True, help_text="Why it was left out.")
    failures_before = models.PositiveIntegerField(default=0)
    failed_as = models.ForeignKey(Cause, null=True, on_delete=models.PROTECT, related_name="+")
    end_number = models.PositiveIntegerField(null=True, help_text="The how-manieth to end.")
    sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["run", "case"], name="exceptions_replayitem_once_per_run"
            ),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(state__in=["PENDING", "SENT"]),
                name="exceptions_replayitem_in_one_live_run",
            ),
            models.UniqueConstraint(
                fields=["run", "end_number"], name="exceptions_replayitem_ends_numbered_once"
            ),
        )
        indexes = (
            # The driver's next ones, and the numbers of the run's page.
            models.Index(fields=["run", "state", "number"], name="exceptions_replayitem_by_state"),
        )

    def __str__(self) -> str:
        return f"{self.number} of run {self.run_id}"


class RunEvent(models.Model):
    """Who did what to a run, with before and after; without an actor it was the run itself."""

    run = models.ForeignKey(ReplayRun, on_delete=models.PROTECT, related_name="events")
    verb = models.CharField(max_length=20)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    text = models.TextField(blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (
            # The activity of a run.
            models.Index(fields=["run", "-id"], name="exceptions_runevent_by_run"),
            # The audit: newest first, of everybody.
            models.Index(fields=["-at", "-id"], name="exceptions_runevent_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.verb} {self.run_id}"
