"""How is a connection doing? Its numbers, its state in words, its newest calls and changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q
from django.urls import reverse
from django.utils import timezone

from connectors.models import Attempt, Connection, InboundMessage, OutboundMessage
from connectors.registry import LISTERS, SOURCES, sink_at
from exceptions.incidents import INCIDENTS
from exceptions.models import CaseEvent
from exceptions.rows import StateWord
from retailhub.console.words import HEALTH_WORDS

MOST_EVENTS = 20
_FAILED = ["LATER", "UNKNOWN", "REJECTED", "CRASHED"]


def numbers_of(ids: list[int], now: datetime) -> dict[int, dict[str, Any]]:
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


def error_rate(numbers: dict[str, Any]) -> str:
    calls = numbers.get("calls", 0)
    return f"{100 * numbers['failed'] / calls:.1f} %" if calls else ""


def direction_of(row: Connection) -> str:
    both = row.system in SOURCES, sink_at(row.system, row.base_url) is not None
    return {(True, True): "in and out", (True, False): "in", (False, True): "out"}.get(both, "")


def state_of(row: Connection) -> StateWord:
    """The pill of a connection: a sign-in speaks loudest, then a pause, then the health."""
    if row.health == Connection.Health.SIGN_IN:
        return HEALTH_WORDS["SIGN_IN"]
    return HEALTH_WORDS["PAUSED" if row.is_paused else row.health]


def time_text(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%H:%M:%S}" if moment else "–"


def sentence_of(row: Connection, waiting: int, owed: int) -> str:
    since = timezone.localtime(row.health_since)
    if row.is_paused:
        paused = row.outbound_paused_at or row.inbound_paused_at
        at = f"{timezone.localtime(paused):%H:%M}" if paused else ""
        return f"Paused since {at}: {row.pause_reason} Nothing is lost: {waiting + owed} wait."
    if row.health == Connection.Health.HEALTHY:
        return "Working."
    return f"Down since {since:%H:%M}: {row.health_detail} {owed} effects wait."


def todo_of(row: Connection) -> str:
    if row.health == Connection.Health.SIGN_IN:
        return "Replace the credential in the admin, test, then resume."
    if row.is_paused:
        return "Resume when it may go on: oldest first, at its own rate."
    if row.health == Connection.Health.DOWN:
        return "We look again by ourselves and go on when it answers. Nothing needs to be replayed."
    return ""


def facts_of(row: Connection) -> list[tuple[str, str, bool]]:
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
        *_missed(row),
    ]


def _missed(row: Connection) -> list[tuple[str, str, bool]]:
    """Orders it has and never told us of, found in its own list."""
    if row.system not in LISTERS:
        return []
    since = timezone.now() - timedelta(days=1)
    found = row.missed.filter(found_at__gte=since).aggregate(
        never=Count("pk", filter=Q(told_at=None)), late=Count("pk", filter=~Q(told_at=None))
    )
    late = f", {found['late']} told late" if found["late"] else ""
    text = f"{found['never']} {'order' if found['never'] == 1 else 'orders'} today{late}"
    return [("Never told us", text, found["never"] > 0)]


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


def credential_of(row: Connection) -> dict[str, Any] | None:
    newest = row.credentials.filter(retires_at=None).order_by("-pk").first()
    if newest is None:
        return None
    tail = f", ends with …{newest.last_four}" if newest.last_four else ""
    return {
        "text": f"{newest.name} saved {timezone.localtime(newest.created_at):%d %b %Y}{tail}",
        "expires": "",
        "flag": False,
    }


def last_test(row: Connection) -> dict[str, Any] | None:
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


def recent_calls(row: Connection) -> list[dict[str, Any]]:
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


def history_of(row: Connection) -> list[dict[str, Any]]:
    """What people changed of it, and when it stopped answering and answered again."""
    events = [*_changes(row), *_falls(row)]
    return sorted(events, key=lambda event: event["at"], reverse=True)[:MOST_EVENTS]


def _falls(row: Connection) -> list[dict[str, Any]]:
    """From the acts of its incidents: one opens with the breaker and is told when it closes."""
    about = CaseEvent.objects.filter(
        case__connection=row, case__code__in=INCIDENTS, verb__in=list(_FALLS)
    )
    return [
        {
            "icon": "check" if event.verb == "back" else "alert",
            "color": "green" if event.verb == "back" else "red",
            "at": event.at,
            "text": _FALLS[event.verb],
            "detail": event.text,
            "by": "",
        }
        for event in about.order_by("-pk")[:MOST_EVENTS]
    ]


_FALLS = {
    "opened": "Calls stopped",
    "down": "Calls stopped again",
    "back": "Answers again, calls go on",
}


def _changes(row: Connection) -> list[dict[str, Any]]:
    newest = row.history.select_related("history_user").order_by("-history_date")
    rows = list(newest[:MOST_EVENTS])
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
