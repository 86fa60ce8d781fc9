"""Closing a case, and looking whether it is cured."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from exceptions.models import ExceptionCase
from exceptions.services import acts
from exceptions.services.verify import verify_due

SOON = timedelta(seconds=15)


def close(case: ExceptionCase, who: User, now: datetime, how: str = "by hand") -> ExceptionCase:
    acts.resolve_case(case_id=case.pk, actor_id=who.pk, reason="I did it", now=now, how=how)
    case.refresh_from_db()
    return case


def look(case: ExceptionCase, at: datetime) -> ExceptionCase:
    verify_due(now=at)
    case.refresh_from_db()
    return case
