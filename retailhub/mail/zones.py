"""In which time zone does somebody live?"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings


def zone_of(person: Any) -> ZoneInfo:
    """Their own, or that of the house."""
    chosen = getattr(getattr(person, "preferences", None), "time_zone", "")
    return ZoneInfo(chosen or settings.TIME_ZONE)
