"""A turn of a worker that applies messages, and what became of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from connectors.models import InboundMessage
from connectors.services.process import process_batch

Hear = Callable[..., InboundMessage]


def process(limit: int = 100) -> int:
    return process_batch(limit=limit, now=timezone.now())


def state(row: InboundMessage) -> str:
    row.refresh_from_db()
    return row.state


def refund(**more: Any) -> dict[str, Any]:
    said = {"id": "r1", "order_id": "A-1", "amount": "4.00", "currency": "EUR"}
    return {**said, "refunded_at": "2026-11-20T10:00:00Z", **more}
