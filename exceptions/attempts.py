"""How often was it tried, and what did the other system say?"""

from __future__ import annotations

from typing import Any

from connectors.masking import masked_json
from connectors.models import Attempt
from exceptions.models import ExceptionCase


def attempts_of(case: ExceptionCase) -> list[dict[str, Any]]:
    """The newest tries of the effect that a case is about, bodies masked."""
    if case.outbound is None:
        return []
    rows = Attempt.objects.filter(message_id=case.outbound_id).order_by("-number")[:20]
    return [
        {
            "number": row.number,
            "at": row.started_at,
            "result": _RESULTS.get(row.outcome, "running"),
            "status": row.status,
            "ms": row.milliseconds,
            "by": "Look-up" if row.is_look_up else "",
            "message": row.detail,
            "request": masked_json(row.request) if row.request is not None else "",
            "response": masked_json(row.response) if row.response is not None else "",
        }
        for row in rows
    ]


_RESULTS = {
    "SENT": "sent",
    "FOUND": "sent",
    "ABSENT": "skipped",
    "LATER": "failed",
    "THROTTLED": "waiting",
    "UNKNOWN": "unknown",
    "REJECTED": "rejected",
    "CRASHED": "unknown",
    "LATE": "skipped",
}
