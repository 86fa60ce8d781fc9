"""What the desk's own work is when a worker looks: replays of many, a step at a time."""

from __future__ import annotations

from django.utils import timezone

from exceptions.services.drive_run import drive_due_run


def drive_replays() -> int:
    """Take one run a step further. Returns how many of its items moved."""
    return drive_due_run(now=timezone.now())
