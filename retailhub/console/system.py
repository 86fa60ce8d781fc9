"""RetailHub itself: are the rows moving, and who moves them?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from connectors.models import InboundMessage, OutboundMessage
from exceptions.rows import StateWord
from retailhub.health import STUCK_SECONDS, lane_ages
from retailhub.kernel.roles import Ability, may
from retailhub.models import JobRun
from retailhub.schedule import JOBS

_OK = StateWord("ok", "Moving", "green", "check")
_STUCK = StateWord("stuck", "Stuck", "red", "alert")
_LANES = ("inbox", "orders", "outbox P0", "outbox P1", "outbox P2", "outbox P3")


@require_GET
def system(request: HttpRequest) -> HttpResponse:
    """Lanes, workers, doorbells and jobs."""
    if not may(request.user, Ability.SEE_EVERYTHING):
        raise PermissionDenied("Needs the ops or admin role.")
    context = {
        "section": "system",
        "lanes": _lanes(),
        "workers": _workers(),
        "queues": _queues(),
        "jobs": _jobs(),
        "facts": _facts(),
    }
    fragment = "#system" if getattr(request, "htmx", None) else ""
    return render(request, f"console/system.html{fragment}", context)


def _lanes() -> list[dict[str, Any]]:
    ages = {row["lane"]: row for row in lane_ages()}
    return [
        {
            "name": name,
            "label": name.capitalize(),
            "due": ages.get(name, {}).get("due", 0),
            "oldest": f"{age:.0f} s"
            if (age := ages.get(name, {}).get("oldest_seconds", 0))
            else "",
            "state": _STUCK if age > STUCK_SECONDS else _OK,
        }
        for name in _LANES
    ]


def _workers() -> list[dict[str, Any]]:
    """Those who claimed something in the last minutes: progress, not "the process is up"."""
    since = timezone.now() - timedelta(minutes=10)
    found: dict[str, dict[str, Any]] = {}
    for model, moment, queue in (
        (InboundMessage, "finished_at", "inbox"),
        (OutboundMessage, "finished_at", "outbox"),
    ):
        rows = model.objects.filter(**{f"{moment}__gte": since}).exclude(lease_owner="")
        for row in rows.values("lease_owner").annotate(last=Max(moment)).order_by("lease_owner"):
            entry = found.setdefault(row["lease_owner"], {"queues": [], "last_seen": row["last"]})
            entry["queues"].append(queue)
            entry["last_seen"] = max(entry["last_seen"], row["last"])
    return [
        {
            "name": name,
            "queues": ", ".join(entry["queues"]),
            "last_seen": entry["last_seen"],
            "state": _OK,
        }
        for name, entry in found.items()
    ]


def _queues() -> list[dict[str, Any]]:
    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1
        )
        return [{"name": name, "depth": client.llen(name)} for name in ("live", "p0", "bulk")]
    except redis.RedisError:
        return [{"name": "Redis is away: workers look by themselves", "depth": "–"}]


def _jobs() -> list[dict[str, Any]]:
    latest = {
        run.job: run
        for run in JobRun.objects.filter(due_at__gte=timezone.now() - timedelta(hours=2))
        .order_by("due_at")
        .only("job", "due_at", "started_at", "error")
    }
    return [
        {
            "name": name,
            "every": f"{job.seconds} s",
            "last_run": latest[name].started_at if name in latest else None,
            "state": _STUCK if name in latest and latest[name].error else _OK,
            "error": latest[name].error if name in latest else "",
        }
        for name, job in JOBS.items()
    ]


def _facts() -> list[tuple[str, str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), now()")
        version, clock = cursor.fetchone() or ("", timezone.now())
    gap = abs((timezone.now() - clock).total_seconds())
    return [
        ("Environment", settings.ENVIRONMENT, False),
        ("PostgreSQL", version, False),
        ("Clock gap to the database", f"{gap:.1f} s", gap > 2),
    ]
