"""What deadlines are set by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from exceptions.models import SlaPolicy

H = timedelta(hours=1)
M = timedelta(minutes=1)


def policy(**columns: Any) -> SlaPolicy:
    return SlaPolicy.objects.create(**{"resolve_minutes": 120, **columns})
