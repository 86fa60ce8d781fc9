"""A case opened, breached or closed -> rows for those who asked to be told, with the fact itself.

What is told: ids, codes and links. Words of the other system may name people, so titles are made
without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from exceptions.incidents import CAUSED
from exceptions.models import ExceptionCase, Notice, Subscription
from exceptions.models.hooks import Kind
from exceptions.playbook import title_of

# What of the context a title may be made of: codes and our own words.
_SAYABLE = ("table", "external_code", "sentence", "skus", "what")


def owe_notices(*, case_ids: Sequence[int], kind: Kind, now: datetime) -> int:
    """Owe a notice of each case to everybody who asked for its kind. Returns how many.

    What only stands behind an incident is not told: the incident is. Whoever was told that a case
    opened is told its end.
    """
    asking = list(Subscription.objects.filter(is_active=True, kinds__contains=[kind]))
    if not asking:
        return 0
    rows = [
        _notice(case, subscription, kind, now)
        for subscription in asking
        for case in _told_of(subscription, case_ids, kind)
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _told_of(
    subscription: Subscription, case_ids: Sequence[int], kind: Kind
) -> QuerySet[ExceptionCase]:
    cases = ExceptionCase.objects.filter(pk__in=case_ids).select_related("connection", "team")
    if subscription.team_id is not None:
        cases = cases.filter(team_id=subscription.team_id)
    is_listed: Any = Q(parent=None) | ~Q(code__in=CAUSED)
    if kind == Kind.RESOLVED:
        cases = cases.exclude(closed_at=None)
        told = Notice.objects.filter(
            case=OuterRef("pk"), subscription=subscription, kind=Kind.OPENED
        )
        is_listed |= Exists(told)
    return cases.filter(is_listed).order_by("pk")


def _notice(case: ExceptionCase, subscription: Subscription, kind: Kind, now: datetime) -> Notice:
    return Notice(
        subscription=subscription,
        case=case,
        kind=kind,
        version=case.version,
        payload={"type": kind.value, "timestamp": now.isoformat(), "data": _data(case)},
        created_at=now,
    )


def _data(case: ExceptionCase) -> dict[str, Any]:
    said = {name: str(case.context[name]) for name in _SAYABLE if case.context.get(name)}
    if case.connection is not None:
        said["connection"] = case.connection.name
    return {
        "case_id": case.pk,
        "version": case.version,
        "code": case.code,
        "title": title_of(case.code, said) or case.code,
        "severity": ExceptionCase.Severity(case.severity).name,
        "state": case.state,
        "connection": case.connection.slug if case.connection else None,
        "team": case.team.slug if case.team else None,
        "order_number": case.order_number or None,
        "opened_at": case.opened_at.isoformat(),
        "due_at": case.due_at.isoformat(),
        "closed_at": case.closed_at.isoformat() if case.closed_at else None,
        "url": f"{settings.PUBLIC_URL}{reverse('case', args=[case.pk])}",
    }
