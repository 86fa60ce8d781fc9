"""Doorbells: each looks once at the rows that are due. Retries are rows, never Celery's."""

from __future__ import annotations

from celery import shared_task

from connectors import drains


@shared_task
def drain_inbox() -> None:
    """Process what has been received."""
    drains.drain_inbox()


@shared_task
def drain_outbox() -> None:
    """Send what is owed."""
    drains.drain_outbox()


@shared_task
def drain_critical_outbox() -> None:
    """Send what is owed and must not wait: money and once-only effects."""
    drains.drain_critical_outbox()


@shared_task
def run_snapshots() -> None:
    """Run the files of stock that wait."""
    drains.run_snapshots()
