"""Doorbells of the order's own steps."""

from __future__ import annotations

from celery import shared_task

from orders import drains


@shared_task
def advance_orders() -> None:
    """Take due orders through their next steps."""
    drains.advance_orders()
