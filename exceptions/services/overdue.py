"""Due and not met -> a case. Runs by the clock, in bounded batches, on any number of workers."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from connectors.models import Connection
from exceptions.evidence import Finding, look_at
from exceptions.expected import OF_CONNECTIONS, PREFIX, code_of, in_words
from exceptions.models import ExceptionCase, Expectation
from exceptions.models.cases import OPEN_STATES
from exceptions.services.cases import Problem, open_case
from orders.models import Order
from retailhub.kernel.money import format_money
from retailhub.kernel.rows import update_rows

log = logging.getLogger(__name__)

# The orders of a batch are locked while its cases are opened, some milliseconds each.
BATCH = 25
# A run ends so that the other jobs of the clock come in time.
TURN_SECONDS = 4.0
# So long a connection that is back may take to work off what waited for it.
RECOVERY = timedelta(minutes=15)
# So long one that our own bug kept from being raised stands back for the others.
STAND_BACK = timedelta(minutes=5)


def raise_overdue(*, now: datetime) -> int:
    """Open a case for everything that is due and did not happen. Returns how many were raised.

    Never twice, never for what happened after all, and for no longer than `TURN_SECONDS`: the rest
    is raised by the next run, the longest due first.
    """
    raised, until = 0, time.monotonic() + TURN_SECONDS
    while True:
        taken, opened = _raise_batch(now)
        raised += opened
        if taken < BATCH or time.monotonic() >= until:
            return raised


@transaction.atomic(durable=True)
def _raise_batch(now: datetime) -> tuple[int, int]:
    rows = _lock_due(now)
    findings = look_at(rows)
    for row in rows:
        _settle(row, findings[row.pk], now)
    update_rows(
        rows,
        ["met_at", "met_by", "voided_at", "void_reason", "raised_at", "case", "due_at"],
    )
    return len(rows), sum(row.raised_at is not None for row in rows)


def _lock_due(now: datetime) -> list[Expectation]:
    """The most overdue rows, their orders locked before them as everybody does.

    Whatever another worker holds is left for the next run: nobody waits here, and nobody for us.
    """
    found = list(_due(now).order_by("due_at", "pk").values_list("pk", "order_id")[:BATCH])
    order_ids = {order_id for _, order_id in found if order_id is not None}
    orders = Order.objects.select_for_update(skip_locked=True).filter(pk__in=order_ids)
    free = {None, *orders.order_by("pk").values_list("pk", flat=True)} if order_ids else {None}
    rows = _due(now).filter(pk__in=[pk for pk, order_id in found if order_id in free])
    locked = rows.select_for_update(of=("self",), skip_locked=True).order_by("pk")
    return list(locked.select_related("template__team", "connection", "order"))


def _due(now: datetime) -> QuerySet[Expectation]:
    """Due, and not explained by something that has an alarm of its own (see `expected.py`)."""
    healthy = Q(
        connection__health__in=[Connection.Health.HEALTHY, Connection.Health.DEGRADED],
        connection__health_since__lte=now - RECOVERY,
        connection__inbound_paused_at=None,
        connection__outbound_paused_at=None,
    )
    others = ExceptionCase.objects.filter(order_id=OuterRef("order_id"), state__in=OPEN_STATES)
    return Expectation.objects.filter(
        ~Exists(others.exclude(code__startswith=PREFIX)),
        Q(connection=None) | healthy | Q(template__code__in=OF_CONNECTIONS),
        due_at__lte=now,
        met_at=None,
        voided_at=None,
        raised_at=None,
        paused_at=None,
        template__is_active=True,
    )


def _settle(row: Expectation, finding: Finding, now: datetime) -> None:
    if finding.met_by:
        row.met_at, row.met_by = now, finding.met_by[:300]
        return
    if finding.void:
        row.voided_at, row.void_reason = now, finding.void[:200]
        return
    try:
        with transaction.atomic():
            row.case = open_case(_problem(row, finding), now=now)
        row.raised_at = now
    except OperationalError:
        raise
    except Exception:  # our bug with one of them must not keep the others from being raised
        log.exception("expectation %d could not be raised", row.pk)
        row.due_at = now + STAND_BACK


def _problem(row: Expectation, finding: Finding) -> Problem:
    name = row.connection.name if row.connection else ""
    order = row.order
    sentence = in_words(
        row.template.title, subject=row.subject, connection=name, minutes=row.minutes
    )
    money = f" · {format_money(order.total, order.currency)}" if order and order.total else ""
    return Problem(
        code=code_of(row.template.code),
        detail=finding.seen,
        context={"sentence": sentence + money, "key": row.business_key},
        subject={} if order else {"key": row.business_key},
        connection_id=row.connection_id,
        connection_name=name,
        order_id=row.order_id,
        order_number=order.number if order else "",
        value=order.total if order else None,
        currency=order.currency if order else "",
        trace_id=row.trace_id,
        severity=row.template.severity,
        team=row.template.team,
    )
