"""The clock's doorbell."""

from __future__ import annotations

from celery import shared_task

from retailhub import schedule


@shared_task
def run_due_jobs() -> None:
    """Run what is due now, each slot once whoever asks."""
    schedule.run_due_jobs()
