"""Which cause is a problem of? Found by its fingerprint, and kept where people have put a case."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection

from exceptions.models import Cause
from exceptions.playbook import cause_title_of
from exceptions.services.fingerprint import fingerprint

if TYPE_CHECKING:
    from exceptions.services.cases import Problem


def find_cause(problem: Problem, title: str, *, now: datetime) -> tuple[Cause, bool]:
    """The cause of `problem`, seen now, and whether this is the first time."""
    cause, is_new = Cause.objects.get_or_create(
        fingerprint=fingerprint(
            problem.code, problem.connection_id, problem.detail, problem.context
        ),
        defaults={
            "code": problem.code,
            "title": cause_title_of(problem.code, problem.words())
            or _without_order(title, problem.order_number),
            "connection_id": problem.connection_id,
            "first_seen_at": now,
            "last_seen_at": now,
        },
    )
    if not is_new:
        Cause.objects.filter(pk=cause.pk).update(last_seen_at=now)
    return cause, is_new


def _without_order(title: str, number: str) -> str:
    """A cause is not the one order that had it first."""
    if not number:
        return title
    named = rf"(?:(?<!\w)[Oo]rder )?(?<!\w){re.escape(number)}(?!\w)"
    without = re.sub(named, "an order", title)
    return without[:1].upper() + without[1:]


def cause_after(known: Cause, found: Cause) -> Cause:
    """The cause of a case that fails again: one that was split off stays where people put it."""
    return known if known.split_from_id in {found.pk, found.merged_into_id} - {None} else found


def hold_causes() -> None:
    """Lines between causes are drawn one after the other, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('exceptions.causes'))")
