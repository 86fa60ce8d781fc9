"""Expect something, meet it, or want it no more. Sets of keys, one statement each.

    expect(template="node_reports", awaited=[Awaited(key="node:BERLIN", subject="WMS Berlin",
           connection_id=7, minutes=30)], now=now)      # a heartbeat: its template is recurring
    meet(template="node_reports", keys={"node:BERLIN": "count of 14:03"}, now=now)
    void(template="node_reports", keys=["node:BERLIN"], why="The node was closed", now=now)

A new template is a row in `exceptions/expected.py` and one in `exceptions/playbook.py`; the facts
that open and meet it are joined in `retailhub/wiring.py`. Facts may come twice and in any order:
what was met before it was expected counts as met. Callers that touch an order hold its lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet

from exceptions.expected import EXPECTED
from exceptions.models import ExceptionCase, Expectation, ExpectationTemplate
from exceptions.services.cases import close_cured

_EXPECT = """
INSERT INTO exceptions_expectation AS e
    (template_id, business_key, subject, order_id, connection_id, trace_id, minutes, is_recurring,
     opened_at, due_at, paused_at)
SELECT t.id, v.key, v.subject, v.order_id, v.connection_id, v.trace_id, w.minutes, t.is_recurring,
       n.now, n.now + w.minutes * interval '1 minute', CASE WHEN v.is_paused THEN n.now END
FROM ({source}) AS v(key, subject, order_id, connection_id, trace_id, minutes, is_paused)
JOIN exceptions_expectationtemplate t ON t.code = %s AND t.is_active
CROSS JOIN (SELECT %s::timestamptz AS now) n
CROSS JOIN LATERAL (SELECT coalesce(v.minutes::integer, t.minutes) AS minutes) w
ORDER BY v.key
ON CONFLICT (template_id, business_key) DO UPDATE
SET subject = excluded.subject, connection_id = excluded.connection_id, minutes = excluded.minutes,
    opened_at = CASE WHEN e.voided_at IS NULL THEN e.opened_at ELSE excluded.opened_at END,
    due_at = CASE WHEN e.voided_at IS NULL
                  THEN e.opened_at + excluded.minutes * interval '1 minute'
                  ELSE excluded.due_at END,
    voided_at = NULL, void_reason = ''
WHERE e.is_recurring
  AND (e.voided_at IS NOT NULL
       OR (e.minutes, e.subject, e.connection_id) IS DISTINCT FROM
          (excluded.minutes, excluded.subject, excluded.connection_id))
"""
_GIVEN = """
SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::uuid[],
                     %s::integer[], %s::boolean[])
"""

# A key nobody expected yet is kept as met, so that the fact that opens it comes too late.
_MEET_ONCE = """
INSERT INTO exceptions_expectation AS e
    (template_id, business_key, subject, minutes, opened_at, due_at, met_at, met_by)
SELECT t.id, v.key, '', t.minutes, %(now)s, %(now)s, %(now)s, v.by
FROM unnest(%(key)s::text[], %(by)s::text[]) AS v(key, by)
JOIN exceptions_expectationtemplate t ON t.code = %(template)s
ORDER BY v.key
ON CONFLICT (template_id, business_key) DO UPDATE
SET met_at = excluded.met_at, met_by = excluded.met_by, paused_at = NULL
WHERE e.met_at IS NULL AND e.voided_at IS NULL
RETURNING e.case_id
"""

_BEAT = """
UPDATE exceptions_expectation e
SET opened_at = greatest(e.opened_at, %(now)s), met_by = was.by, raised_at = NULL, case_id = NULL,
    due_at = greatest(e.opened_at, %(now)s) + e.minutes * interval '1 minute'
FROM (SELECT x.id, x.case_id, v.by
      FROM exceptions_expectation x
      JOIN exceptions_expectationtemplate t ON t.id = x.template_id AND t.code = %(template)s
      JOIN unnest(%(key)s::text[], %(by)s::text[]) AS v(key, by) ON v.key = x.business_key
      WHERE x.voided_at IS NULL
      ORDER BY x.business_key FOR UPDATE OF x) was
WHERE e.id = was.id
RETURNING was.case_id
"""


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """One thing to expect. `key` names it for ever; `subject` is what people call it.

    `minutes` replaces the template's. A paused one's clock stands until `resume_order` starts it.
    """

    key: str
    subject: str
    order_id: int | None = None
    connection_id: int | None = None
    trace_id: UUID | None = None
    minutes: int | None = None
    is_paused: bool = False


def expect(*, template: str, awaited: Iterable[Awaited], now: datetime) -> int:
    """Expect each key once, from `now` on; returns how many are new.

    Asking again changes nothing, except that a recurring one takes on new minutes and a new
    subject, and begins anew if it was void. Of a template that is switched off nothing is expected.
    """
    rows = {one.key: one for one in awaited}
    if not rows:
        return 0
    columns = [[getattr(one, field.name) for one in rows.values()] for field in fields(Awaited)]
    return _expect(template, _GIVEN, columns, now)


def expect_all(*, template: str, awaited: QuerySet[Any, Any], now: datetime) -> int:
    """The same for what a query of values finds, in one statement: the fields of `Awaited`."""
    try:
        source, values = awaited.query.sql_with_params()
    except EmptyResultSet:
        return 0
    return _expect(template, source, values, now)


def _expect(template: str, source: str, values: Iterable[Any], now: datetime) -> int:
    _is_recurring(template)
    with database.cursor() as cursor:
        cursor.execute(_EXPECT.format(source=source), [*values, template, now])
        return int(cursor.rowcount)


@transaction.atomic(savepoint=False)
def meet(*, template: str, keys: Mapping[str, str], now: datetime) -> int:
    """It happened: `keys` maps each key to the fact that says so. Returns how many cases it closed.

    The case of one that was raised closes with it. A recurring one begins its next period.
    """
    if not keys:
        return 0
    statement = _BEAT if _is_recurring(template) else _MEET_ONCE
    names = {"key": list(keys), "by": [by[:300] for by in keys.values()]}
    with database.cursor() as cursor:
        cursor.execute(statement, {**names, "template": template, "now": now})
        cases = {case_id for (case_id,) in cursor.fetchall() if case_id is not None}
    return close_cases(cases, how="by itself", now=now)


@transaction.atomic
def void(*, template: str, keys: Iterable[str], why: str, now: datetime) -> int:
    """Nobody wants it any more: it is never raised, and its case closes. Returns how many."""
    rows = open_expectations().filter(template__code=template, business_key__in=list(keys))
    return _void(rows, why, now)


@transaction.atomic
def void_order(*, order_id: int, why: str, now: datetime) -> int:
    """The same for all that an order was expected to do."""
    return _void(open_expectations().filter(order_id=order_id), why, now)


def _void(rows: QuerySet[Expectation], why: str, now: datetime) -> int:
    locked = dict(rows.select_for_update().order_by("pk").values_list("pk", "case_id"))
    if not locked:
        return 0
    Expectation.objects.filter(pk__in=locked).update(
        voided_at=now, void_reason=why[:200], paused_at=None, raised_at=None, case=None
    )
    close_cases({pk for pk in locked.values() if pk is not None}, how="not wanted", now=now)
    return len(locked)


def open_expectations() -> QuerySet[Expectation]:
    """What is neither met nor void."""
    return Expectation.objects.filter(met_at=None, voided_at=None)


def close_cases(case_ids: set[int], *, how: str, now: datetime) -> int:
    """Close the cases of what was met, unless something else in the same case is still missing."""
    if not case_ids:
        return 0
    wanting = open_expectations().filter(case_id__in=case_ids).values("case_id")
    cured = ExceptionCase.objects.filter(pk__in=case_ids).exclude(pk__in=wanting)
    return close_cured(cured, how=how, now=now)


def seed_templates() -> None:
    """Put every shipped template on record that is not there. What people changed stays."""
    for code, row in EXPECTED.items():
        ExpectationTemplate.objects.get_or_create(
            code=code,
            defaults={
                "title": row.title,
                "opened_by": row.opened_by,
                "met_by": row.met_by,
                "minutes": row.minutes,
                "severity": row.severity,
                "is_recurring": row.is_recurring,
            },
        )


def _is_recurring(template: str) -> bool:
    """As it says. Raises `KeyError` for a template that nobody ships."""
    return EXPECTED[template].is_recurring
