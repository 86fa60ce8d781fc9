"""Connections: how each is doing, test, pause, resume."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Prefetch, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from connectors.models import Attempt, Connection, Credential, InboundMessage, OutboundMessage
from connectors.registry import LABELS, SINKS, SOURCES
from connectors.services.pause import pause_connection, resume_connection
from connectors.services.probe import test_connection
from exceptions.buttons import Button
from exceptions.rows import StateWord
from exceptions.selectors import visible_connections
from retailhub.console.words import HEALTH_WORDS
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain

_FAILED = ["LATER", "UNKNOWN", "REJECTED", "CRASHED"]


@require_GET
def connection_list(request: HttpRequest) -> HttpResponse:
    """Every connection this person may see, troubled ones first."""
    now = timezone.now()
    valid = Credential.objects.filter(retires_at=None).order_by("-pk")
    rows = list(
        visible_connections(request.user)
        .prefetch_related(Prefetch("credentials", valid, to_attr="valid_credentials"))
        .order_by("name")
    )
    numbers = _numbers([row.pk for row in rows], now)
    shown = [_row(row, numbers.get(row.pk, {}), request) for row in rows]
    shown.sort(key=lambda row: row["state"].slug == "healthy")
    context = {
        "section": "connections",
        "rows": shown,
        "total_text": f"{len(shown)} connection{'' if len(shown) == 1 else 's'}",
        "can_configure": request.user.is_staff,
    }
    return render(request, "console/connection_list.html", context)


def _numbers(ids: list[int], now: datetime) -> dict[int, dict[str, Any]]:
    """Per connection: last in and out, backlog, error rate of the hour. Three queries for all."""
    found: dict[int, dict[str, Any]] = {pk: {} for pk in ids}
    day, hour = now - timedelta(days=1), now - timedelta(hours=1)
    waiting = Q(state__in=["RECEIVED", "PROCESSING", "WAITING", "PARKED"])
    heard = InboundMessage.objects.filter(connection_id__in=ids, received_at__gte=day)
    owed = OutboundMessage.objects.filter(
        connection_id__in=ids, state__in=["READY", "SENDING", "UNKNOWN", "MANUAL", "DEAD"]
    )
    calls = Attempt.objects.filter(message__connection_id__in=ids, started_at__gte=hour)
    answered = Q(outcome__in=["SENT", "FOUND"])
    queries: list[Any] = [
        heard.values_list("connection_id").annotate(
            last_in=Max("received_at"), waiting=Count("pk", filter=waiting)
        ),
        owed.values_list("connection_id").annotate(owed=Count("pk")),
        calls.values_list("message__connection_id").annotate(
            calls=Count("pk"),
            failed=Count("pk", filter=Q(outcome__in=_FAILED)),
            last_out=Max("finished_at", filter=answered),
        ),
    ]
    names = (("last_in", "waiting"), ("owed",), ("calls", "failed", "last_out"))
    for query, columns in zip(queries, names, strict=True):
        for connection_id, *values in query.order_by():
            found[connection_id] |= dict(zip(columns, values, strict=True))
    return found


def _row(row: Connection, numbers: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    newest = next(iter(getattr(row, "valid_credentials", [])), None)
    return {
        "id": row.pk,
        "name": row.name,
        "href": reverse("connection", args=[row.slug]),
        "system": LABELS.get(row.system, row.system),
        "direction": _direction(row),
        "state": state_of(row),
        "since": row.health_since,
        "last_in": numbers.get("last_in"),
        "last_out": numbers.get("last_out"),
        "error_rate": _rate(numbers),
        "backlog": numbers.get("waiting", 0) + numbers.get("owed", 0),
        "credential": f"saved {timezone.localtime(newest.created_at):%d %b %Y}"
        if newest
        else "none",
        "credential_flag": newest is None,
        "test_url": reverse("connection-test", args=[row.slug])
        if may(request.user, Ability.TEST_CONNECTIONS)
        else "",
    }


def _rate(numbers: dict[str, Any]) -> str:
    calls = numbers.get("calls", 0)
    return f"{100 * numbers['failed'] / calls:.1f} %" if calls else ""


def _direction(row: Connection) -> str:
    both = row.system in SOURCES, row.system in SINKS
    return {(True, True): "in and out", (True, False): "in", (False, True): "out"}.get(both, "")


def state_of(row: Connection) -> StateWord:
    """The pill of a connection: a sign-in speaks loudest, then a pause, then the health."""
    if row.health == Connection.Health.SIGN_IN:
        return HEALTH_WORDS["SIGN_IN"]
    return HEALTH_WORDS["PAUSED" if row.is_paused else row.health]


def _get(request: HttpRequest, slug: str) -> Connection:
    return get_object_or_404(visible_connections(request.user), slug=slug)


@require_GET
def connection_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """How one connection is doing, and what to do about it."""
    row = _get(request, slug)
    return render(request, "console/connection_detail.html", _detail(row, request))


def _detail(row: Connection, request: HttpRequest) -> dict[str, Any]:
    numbers = _numbers([row.pk], timezone.now())[row.pk]
    waiting, owed = numbers.get("waiting", 0), numbers.get("owed", 0)
    return {
        "section": "connections",
        "connection": {
            "id": row.pk,
            "name": row.name,
            "system": LABELS.get(row.system, row.system),
            "direction": _direction(row),
            "state": state_of(row),
            "sentence": _sentence(row, waiting, owed),
            "todo": _todo(row),
            "admin_url": reverse("admin:connectors_connection_change", args=[row.pk])
            if request.user.is_staff
            else "",
        },
        "tiles": [
            {"label": "Last in", "value": _time(numbers.get("last_in")), "note": "today"},
            {"label": "Last out", "value": _time(numbers.get("last_out")), "note": "last hour"},
            {
                "label": "Errors",
                "value": _rate(numbers) or "–",
                "note": "of calls in the last hour",
            },
            {"label": "Waiting", "value": waiting + owed, "note": f"{waiting} in, {owed} out"},
        ],
        "facts": _facts(row),
        "credential": _credential(row),
        "actions": _buttons(row, request),
        "test": _test(row),
        "calls": _calls(row),
        "events": _events(row),
    }


def _time(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%H:%M:%S}" if moment else "–"


def _sentence(row: Connection, waiting: int, owed: int) -> str:
    since = timezone.localtime(row.health_since)
    if row.is_paused:
        paused = row.outbound_paused_at or row.inbound_paused_at
        at = f"{timezone.localtime(paused):%H:%M}" if paused else ""
        return f"Paused since {at}: {row.pause_reason} Nothing is lost: {waiting + owed} wait."
    if row.health == Connection.Health.HEALTHY:
        return "Working."
    return f"Down since {since:%H:%M}: {row.health_detail} {owed} effects wait."


def _todo(row: Connection) -> str:
    if row.health == Connection.Health.SIGN_IN:
        return "Replace the credential in the admin, test, then resume."
    if row.is_paused:
        return "Resume when it may go on: oldest first, at its own rate."
    if row.health == Connection.Health.DOWN:
        return "We look again by ourselves and go on when it answers. Nothing needs to be replayed."
    return ""


def _facts(row: Connection) -> list[tuple[str, str, bool]]:
    until = (
        f"open until {timezone.localtime(row.closed_until):%H:%M:%S}"
        if row.closed_until
        else "closed"
    )
    return [
        ("Address", row.base_url or "receives only", False),
        ("Hook", f"/hooks/{row.slug}/" if row.system in SOURCES else "–", False),
        ("Rate", f"{row.rate_per_second:g} calls per second, {row.concurrency} at once", False),
        ("Circuit breaker", until, row.closed_until is not None),
        ("Settle time", f"{row.settle_seconds:g} s after a lost answer", False),
        ("Polled", f"every {row.poll_seconds} s" if row.poll_seconds else "no", False),
        ("Ignored today", _ignored(row), False),
    ]


def _ignored(row: Connection) -> str:
    """Messages that say nothing to us, by topic: known ones, and those we have never heard of."""
    since = timezone.now() - timedelta(days=1)
    topics = (
        row.inbound.filter(state="IGNORED", received_at__gte=since)
        .values_list("topic")
        .annotate(count=Count("pk"))
        .order_by("-count", "topic")[:8]
    )
    return ", ".join(f"{count} × {topic}" for topic, count in topics) or "nothing"


def _credential(row: Connection) -> dict[str, Any] | None:
    newest = row.credentials.filter(retires_at=None).order_by("-pk").first()
    if newest is None:
        return None
    tail = f", ends with …{newest.last_four}" if newest.last_four else ""
    return {
        "text": f"{newest.name} saved {timezone.localtime(newest.created_at):%d %b %Y}{tail}",
        "expires": "",
        "flag": False,
    }


def _buttons(row: Connection, request: HttpRequest) -> list[Button]:
    buttons = []
    if may(request.user, Ability.TEST_CONNECTIONS):
        buttons.append(Button("test", "Test", "", reverse("connection-test", args=[row.slug])))
    if not may(request.user, Ability.PAUSE_CONNECTIONS):
        return buttons
    if row.is_paused or row.closed_until:
        url = reverse("connection-resume", args=[row.slug])
        return [*buttons, Button("resume", "Resume", "", url, primary=True)]
    reason = {
        "name": "reason",
        "label": "Reason",
        "kind": "text",
        "required": True,
        "placeholder": "Maintenance until 22:00",
    }
    hint = "While it is paused, messages are taken in and kept; nothing is applied or sent."
    return [
        *buttons,
        Button(
            "pause",
            "Pause",
            "",
            reverse("connection-pause", args=[row.slug]),
            fields=[reason],
            hint=hint,
        ),
    ]


def _test(row: Connection) -> dict[str, Any] | None:
    if row.test_result is None:
        return None
    passed = row.test_result["passed"]
    return {
        "ok": passed,
        "text": "Works." if passed else "Does not work.",
        "at": row.tested_at,
        "checks": [
            {"label": name, "result": "passed" if ok else "failed", "text": seen}
            for name, ok, seen in row.test_result["checks"]
        ],
    }


def _calls(row: Connection) -> list[dict[str, Any]]:
    attempts = Attempt.objects.filter(message__connection=row).select_related("message")
    calls = [
        {
            "at": a.started_at,
            "direction": "out",
            "topic": a.message.kind,
            "result": _RESULTS.get(a.outcome, "running"),
            "status": a.status,
            "ms": a.milliseconds,
            "message": a.detail,
            "href": reverse("order", args=[a.message.order_id]) if a.message.order_id else "",
        }
        for a in attempts.order_by("-pk")[:60]
    ]
    return sorted(calls, key=lambda call: call["result"] in {"sent", "skipped"})


_RESULTS = {
    "SENT": "sent",
    "FOUND": "sent",
    "ABSENT": "skipped",
    "LATER": "failed",
    "THROTTLED": "waiting",
    "UNKNOWN": "unknown",
    "REJECTED": "rejected",
    "CRASHED": "unknown",
    "LATE": "skipped",
}


def _events(row: Connection) -> list[dict[str, Any]]:
    rows = list(row.history.select_related("history_user").order_by("-history_date")[:20])
    events = []
    for newer, older in zip(rows, [*rows[1:], None], strict=True):
        changes = newer.diff_against(older).changes if older is not None else []
        detail = ", ".join(f"{c.field}: {c.old} → {c.new}" for c in changes)
        events.append(
            {
                "icon": "open",
                "color": "gray",
                "at": newer.history_date,
                "text": "Changed" if older is not None else "Set up",
                "detail": detail,
                "by": newer.history_user.get_username() if newer.history_user else "",
            }
        )
    return events


@require_POST
def connection_test(request: HttpRequest, slug: str) -> HttpResponse:
    """Run the read-only checks and show what was seen."""
    row = _get(request, slug)
    if not may(request.user, Ability.TEST_CONNECTIONS):
        raise PermissionDenied("Needs the ops or admin role to test a connection.")
    checks = test_connection(connection_id=row.pk, now=timezone.now())
    if getattr(request, "htmx", None):
        row.refresh_from_db()
        return render(request, "console/connection_detail.html#test_result", {"test": _test(row)})
    passed = all(check.passed for check in checks)
    seen = "; ".join(check.seen for check in checks)
    messages.info(request, f"{'Works' if passed else 'Does not work'}: {seen}")
    return HttpResponseRedirect(reverse("connection", args=[slug]))


@require_POST
def connection_pause(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop without losing anything."""
    row = _get(request, slug)
    if not may(request.user, Ability.PAUSE_CONNECTIONS):
        raise PermissionDenied("Needs the ops or admin role to pause a connection.")
    reason = plain(request.POST.get("reason", ""))
    if not reason:
        messages.error(request, "Say why it is paused, so that the next person knows.")
    else:
        pause_connection(connection_id=row.pk, reason=reason, now=timezone.now())
    return HttpResponseRedirect(reverse("connection", args=[slug]))


@require_POST
def connection_resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Go on where it stopped."""
    row = _get(request, slug)
    if not may(request.user, Ability.PAUSE_CONNECTIONS):
        raise PermissionDenied("Needs the ops or admin role to resume a connection.")
    resume_connection(connection_id=row.pk, now=timezone.now())
    return HttpResponseRedirect(reverse("connection", args=[slug]))
