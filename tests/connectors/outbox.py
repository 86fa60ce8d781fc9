"""What became of a row of the outbox, and when it is tried again."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from connectors.models import Attempt, OutboundMessage

Turn = Callable[[], int]
Act = Callable[[], None]


def outcomes(row: OutboundMessage) -> list[tuple[str, bool]]:
    journal = Attempt.objects.filter(message=row).order_by("number")
    return [(attempt.outcome, attempt.is_look_up) for attempt in journal]


def state(row: OutboundMessage) -> str:
    row.refresh_from_db()
    return row.state


def waits(row: OutboundMessage) -> float:
    row.refresh_from_db()
    return (row.next_attempt_at - timezone.now()).total_seconds()
