"""What a whole file of stock said, what became of it, and how far it makes later news history."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from inventory.models.catalog import Location
from retailhub.kernel.models import Timestamped


class SnapshotRun(Timestamped):
    """One file of item-location rows from one source, heard once per `key`.

    `rows` are all rows of the file; of each became one of the six numbers below it. `units` is the
    sum of what was counted, to compare with the run before. Bad rows are named in `samples`.
    """

    class State(models.TextChoices):
        READY = "READY", "Waiting"
        RUNNING = "RUNNING", "Running"
        APPLIED = "APPLIED", "Applied"
        HELD = "HELD", "Held: far smaller than the one before"
        FAILED = "FAILED", "Failed"

    source = models.CharField(max_length=60, help_text="The connection it came from.")
    key = models.CharField(max_length=200)
    body_sha256 = models.BinaryField(max_length=32)
    size = models.PositiveBigIntegerField(help_text="Bytes as they came.")
    counted_at = models.DateTimeField(help_text="Of rows that don't say when.")
    state = models.CharField(
        max_length=8, choices=State.choices, default=State.READY, db_default=State.READY.value
    )
    is_forced = models.BooleanField(
        default=False, db_default=False, help_text="Apply it though it shrank."
    )
    attempt = models.PositiveIntegerField(default=0, db_default=0)
    broken_off = models.PositiveIntegerField(
        default=0, db_default=0, help_text="How often a worker vanished with it."
    )
    previous = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    rows = models.PositiveIntegerField(default=0, db_default=0)
    added = models.PositiveIntegerField(default=0, db_default=0)
    changed = models.PositiveIntegerField(default=0, db_default=0)
    unchanged = models.PositiveIntegerField(default=0, db_default=0)
    outdated = models.PositiveIntegerField(
        default=0, db_default=0, help_text="A newer count was known."
    )
    unknown = models.PositiveIntegerField(default=0, db_default=0)
    rejected = models.PositiveIntegerField(default=0, db_default=0)
    units = models.BigIntegerField(default=0, db_default=0)
    unknown_codes = models.JSONField(default=dict, db_default={})  # table -> codes, bounded
    samples = models.JSONField(default=list, db_default=[])  # bad rows with their numbers, bounded
    error = models.TextField(blank=True, default="", db_default="")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["source", "key"], name="inventory_snapshotrun_heard_once"
            ),
        )
        indexes = (
            # What waits to be run.
            models.Index(
                fields=["id"],
                condition=Q(state__in=["READY", "RUNNING"]),
                name="inventory_snapshot_due",
            ),
            # The runs of one source, newest first; the one before.
            models.Index(fields=["source", "-id"], name="inventory_snapshot_by_source"),
        )

    def __str__(self) -> str:
        return f"Snapshot {self.pk} of {self.source}"

    @property
    def duration(self) -> timedelta | None:
        """How long it ran."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at


class SnapshotPart(models.Model):
    """A piece of a snapshot's file, compressed; the pieces in their order are one gzip stream."""

    run = models.ForeignKey(SnapshotRun, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["run", "number"], name="inventory_snapshotpart_one_per_number"
            ),
        )

    def __str__(self) -> str:
        return f"{self.run_id}/{self.number}"


class SnapshotMark(models.Model):
    """That a snapshot counted a location at `counted_at`, also what it left as it was.

    One row instead of a touch of every level: `item_ids` are what was counted, or what was not.
    """

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=60)
    counted_at = models.DateTimeField()
    is_all_but = models.BooleanField(help_text="All items were counted but those named.")
    item_ids = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["location", "source"], name="inventory_snapshotmark_one_per_source"
            ),
        )

    def __str__(self) -> str:
        return f"{self.location_id} by {self.source} at {self.counted_at:%Y-%m-%d %H:%M}"
