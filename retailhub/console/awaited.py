"""What must an order do next, and by when?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from exceptions.expected import EXPECTED, in_words
from exceptions.models import Expectation
from exceptions.rows import SOON, Sla, duration
from orders.models import Order

MOST = 20


def awaited_of(order: Order, now: datetime) -> list[dict[str, Any]]:
    """What is expected of `order` and has not happened, first due first. One query."""
    rows = Expectation.objects.filter(order=order, met_at=None, voided_at=None)
    found = rows.select_related("template", "connection").order_by("due_at", "pk")[:MOST]
    return [
        {
            "label": _label(row),
            "due_at": row.due_at,
            "sla": _clock(row, now),
            "href": reverse("case", args=[row.case_id]) if row.case_id else "",
        }
        for row in found
    ]


def _label(row: Expectation) -> str:
    shipped = EXPECTED.get(row.template.code)
    text = shipped.label if shipped else str(row.template)
    name = row.connection.name if row.connection else ""
    return in_words(text, subject=row.subject, connection=name, minutes=row.minutes)


def _clock(row: Expectation, now: datetime) -> Sla:
    due_at, left = row.due_at.isoformat(), row.due_at - now
    if row.paused_at is not None:
        return Sla("paused", "Paused", due_at)
    if left < timedelta(0):
        return Sla("over", f"−{duration(-left)}", due_at)
    return Sla(
        "soon" if left < min(SOON, timedelta(minutes=row.minutes / 2)) else "ok",
        duration(left),
        due_at,
    )
