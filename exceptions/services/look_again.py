"""Somebody asks about what did not happen: ask the records, hurry what is owed, wait a little."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from connectors.services.hurry import hurry_order
from exceptions.evidence import look_at
from exceptions.models import ExceptionCase
from exceptions.playbook import play_of
from exceptions.services.expectations import close_cases, open_expectations
from retailhub.kernel.rows import update_rows

# So long what was hurried may take before the case says that it failed again.
PATIENCE = timedelta(minutes=5)


@transaction.atomic
def look_again(case: ExceptionCase, *, now: datetime) -> bool:
    """Close the locked `case` if it happened after all, else ask for what its order is owed.

    Says whether there is anything to look for. The caller holds the order's lock.
    """
    if case.order_id is None or not play_of(case.code).replay:
        return False  # only the other side can bring it
    rows = list(
        open_expectations()
        .filter(case=case)
        .select_for_update(of=("self",))
        .select_related("template", "connection", "order")
        .order_by("pk")
    )
    findings = look_at(rows)
    for row in rows:
        finding = findings[row.pk]
        if finding.met_by:
            row.met_at, row.met_by = now, finding.met_by[:300]
        elif finding.void:
            row.voided_at, row.void_reason = now, finding.void[:200]
        else:
            row.raised_at, row.due_at = None, now + PATIENCE
    update_rows(rows, ["met_at", "met_by", "voided_at", "void_reason", "raised_at", "due_at"])
    if not close_cases({case.pk}, how="by itself", now=now):
        hurry_order(order_id=case.order_id, now=now)
    return bool(rows)
