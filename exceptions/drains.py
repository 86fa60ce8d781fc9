"""What the desk's own work is when a worker looks: replays of many, and who is to be told."""

from __future__ import annotations

from django.utils import timezone

from exceptions.services.drive_run import drive_due_run
from exceptions.services.send_notices import send_due_notices


def drive_replays() -> int:
    """Take one run a step further. Returns how many of its items moved."""
    return drive_due_run(now=timezone.now())


def send_notices() -> int:
    """Tell one address by webhook what it is owed. Returns how much it took."""
    return send_due_notices(now=timezone.now())
