"""Connections: how each is doing, test, pause, resume."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from connectors.models import Connection, Credential
from connectors.registry import LABELS
from connectors.services.pause import pause_connection, resume_connection
from connectors.services.probe import test_connection
from exceptions.buttons import Button
from exceptions.selectors import visible_connections
from retailhub.console.condition import (
    credential_of,
    direction_of,
    error_rate,
    facts_of,
    history_of,
    last_test,
    numbers_of,
    recent_calls,
    sentence_of,
    state_of,
    time_text,
    todo_of,
)
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain


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
    numbers = numbers_of([row.pk for row in rows], now)
    shown = [_row(row, numbers.get(row.pk, {}), request) for row in rows]
    shown.sort(key=lambda row: row["state"].slug == "healthy")
    context = {
        "section": "connections",
        "rows": shown,
        "total_text": f"{len(shown)} connection{'' if len(shown) == 1 else 's'}",
        "can_configure": request.user.is_staff,
    }
    return render(request, "console/connection_list.html", context)


def _row(row: Connection, numbers: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    newest = next(iter(getattr(row, "valid_credentials", [])), None)
    return {
        "id": row.pk,
        "name": row.name,
        "href": reverse("connection", args=[row.slug]),
        "system": LABELS.get(row.system, row.system),
        "direction": direction_of(row),
        "state": state_of(row),
        "since": row.health_since,
        "last_in": numbers.get("last_in"),
        "last_out": numbers.get("last_out"),
        "error_rate": error_rate(numbers),
        "backlog": numbers.get("waiting", 0) + numbers.get("owed", 0),
        "credential": f"saved {timezone.localtime(newest.created_at):%d %b %Y}"
        if newest
        else "none",
        "credential_flag": newest is None,
        "test_url": reverse("connection-test", args=[row.slug])
        if may(request.user, Ability.TEST_CONNECTIONS)
        else "",
    }


def _get(request: HttpRequest, slug: str) -> Connection:
    return get_object_or_404(visible_connections(request.user), slug=slug)


@require_GET
def connection_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """How one connection is doing, and what to do about it."""
    row = _get(request, slug)
    return render(request, "console/connection_detail.html", _detail(row, request))


def _detail(row: Connection, request: HttpRequest) -> dict[str, Any]:
    numbers = numbers_of([row.pk], timezone.now())[row.pk]
    waiting, owed = numbers.get("waiting", 0), numbers.get("owed", 0)
    return {
        "section": "connections",
        "connection": {
            "id": row.pk,
            "name": row.name,
            "system": LABELS.get(row.system, row.system),
            "direction": direction_of(row),
            "state": state_of(row),
            "sentence": sentence_of(row, waiting, owed),
            "todo": todo_of(row),
            "admin_url": reverse("admin:connectors_connection_change", args=[row.pk])
            if request.user.is_staff
            else "",
        },
        "tiles": [
            {"label": "Last in", "value": time_text(numbers.get("last_in")), "note": "today"},
            {"label": "Last out", "value": time_text(numbers.get("last_out")), "note": "last hour"},
            {
                "label": "Errors",
                "value": error_rate(numbers) or "–",
                "note": "of calls in the last hour",
            },
            {"label": "Waiting", "value": waiting + owed, "note": f"{waiting} in, {owed} out"},
        ],
        "facts": facts_of(row),
        "credential": credential_of(row),
        "actions": _buttons(row, request),
        "test": last_test(row),
        "calls": recent_calls(row),
        "events": history_of(row),
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


@require_POST
def connection_test(request: HttpRequest, slug: str) -> HttpResponse:
    """Run the read-only checks and show what was seen."""
    row = _get(request, slug)
    if not may(request.user, Ability.TEST_CONNECTIONS):
        raise PermissionDenied("Needs the ops or admin role to test a connection.")
    checks = test_connection(connection_id=row.pk, now=timezone.now())
    if getattr(request, "htmx", None):
        row.refresh_from_db()
        return render(
            request, "console/connection_detail.html#test_result", {"test": last_test(row)}
        )
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
