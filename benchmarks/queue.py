"""The queue with a hundred thousand open cases: whole pages, as a person opens them.

The limit is bare SQL: the rows of the first page and one exact count of each tab, straight from the
database, no page around them. The peer is what the ORM invites one to: a sort by due date and
severity, a paginator that counts, and one `count()` for each tab.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db import connection
from django.test import Client
from django.test.utils import setup_test_environment
from django.utils import timezone

from benchmarks.cases import fill, signed_in
from benchmarks.estate import prepare
from benchmarks.measure import Report, Sample, compare, percentile, report
from exceptions.selectors import VIEWS, cases_in

PAGES = ("/queue/", "/queue/?view=breaching", "/queue/?group=cause")
_FIRST_PAGE = """
SELECT c.*, n.name, u.first_name, a.title FROM exceptions_exceptioncase c
JOIN exceptions_cause a ON a.id = c.cause_id
LEFT JOIN connectors_connection n ON n.id = c.connection_id
LEFT JOIN auth_user u ON u.id = c.owner_id
WHERE c.state IN ('NEW', 'CLAIMED', 'REPLAYING')
ORDER BY c.is_late DESC, c.harm DESC, c.id LIMIT 61
"""
_COUNTS = """
SELECT count(*) FILTER (WHERE state IN ('NEW', 'CLAIMED', 'REPLAYING')),
       count(*) FILTER (WHERE owner_id = 1),
       count(*) FILTER (WHERE state = 'NEW' AND owner_id IS NULL),
       count(*) FILTER (WHERE paused_at IS NULL AND due_at < now() + interval '30 minutes'),
       count(*) FILTER (WHERE code LIKE 'expectations.%' OR code = 'connectors.missing'),
       count(*) FILTER (WHERE state = 'WAITING'), count(*) FILTER (WHERE state = 'SNOOZED')
FROM exceptions_exceptioncase
WHERE state IN ('NEW', 'CLAIMED', 'REPLAYING', 'WAITING', 'SNOOZED')
"""


def run(*, quick: bool) -> Report:
    """The whole comparison, and the 95th percentile of each page as an admin and as an agent."""
    setup_test_environment()
    prepare()
    admin, agent = fill()
    pages = 20 if quick else 60
    for who in (admin, agent):
        for address in PAGES:
            times = sorted(_times(pages, partial(look, signed_in(who), address)))
            p95 = percentile(times, 0.95)
            print(f"{who.username:5} {address:24} p50 {percentile(times, 0.5):4.0f} ms"
                  f"  p95 {p95:4.0f} ms")  # fmt: skip
    client = signed_in(admin)
    contestants: dict[str, Callable[[], Sample]] = {
        "ours": partial(_round, pages, partial(look, client, "/queue/")),
        "limit": partial(_round, pages, bare),
        "peer": partial(_round, max(pages // 10, 2), partial(counted, admin)),
    }
    return report("queue", compare(contestants, rounds=5 if quick else 9, say=print))


def look(client: Client, address: str) -> None:
    """Ours: one page, whole. Anything but a page is no measurement."""
    answer = client.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")


def bare() -> None:
    """The limit: the same facts, straight from the database."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_PAGE)
        cursor.fetchall()
        cursor.execute(_COUNTS)
        cursor.fetchall()


def counted(user: User) -> None:
    """The peer: sorted when asked, counted by a paginator and once more for each tab."""
    now = timezone.now()
    cases = cases_in("open", user=user, now=now).select_related("connection", "owner", "cause")
    page = Paginator(cases.order_by("due_at", "-severity", "pk"), 60).page(1)
    list(page)
    for view in VIEWS:
        cases_in(view, user=user, now=now).count()


def _times(count: int, act: Callable[[], None]) -> list[float]:
    act()
    times = []
    for _ in range(count):
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) * 1000)
    return times


def _round(count: int, act: Callable[[], None]) -> Sample:
    began, busy = time.perf_counter(), time.process_time()
    times = sorted(_times(count, act))
    took, used = time.perf_counter() - began, time.process_time() - busy
    return Sample(
        per_second=count / took,
        p50_ms=percentile(times, 0.5),
        p99_ms=percentile(times, 0.99),
        cpu_ms_per_item=used * 1000 / (count + 1),
    )
