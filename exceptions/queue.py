"""The queue: its tabs, filters, rows and causes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from exceptions.models import BulkScope, Cause, ExceptionCase, SavedView
from exceptions.models.proof import Proof
from exceptions.outages import banners
from exceptions.pane import CasePane, pane_of
from exceptions.playbook import play_of
from exceptions.rows import SEVERITIES, rows_of
from exceptions.saved_views import canonical, menu_of, views_for
from exceptions.selectors import (
    MOST_COUNTED,
    VIEWS,
    cases_in,
    causes_by_damage,
    counts,
    cursor_of,
    most_urgent,
    narrow,
    shown,
    visible_cases,
    visible_connections,
)
from exceptions.walk import next_url, walk_from
from retailhub.kernel.money import to_cents
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain, whole_number

PAGE = 60
TAKEN_AT_ONCE = 5


@require_GET
def case_list(request: HttpRequest) -> HttpResponse:
    """The queue: a whole page, or only its rows when htmx asks for more."""
    now = timezone.now()
    views = views_for(request.user)
    if not request.GET and (default := next((row for row in views if _opens(row, request)), None)):
        return HttpResponseRedirect(f"?{default.query}")
    view = request.GET.get("view", "open")
    if view not in VIEWS:
        messages.info(request, f"There is no view “{view}”; showing the open ones.")
        view = "open"
    cases, chips = _filtered(request, cases_in(view, user=request.user, now=now))
    context = _frame(request, view, chips)
    context["views"] = menu_of(views, request.user, canonical(request.GET))
    if request.GET.get("group") == "cause":
        context |= _cause_rows(request, cases, view)
    else:
        context |= _case_rows(request, cases) | _selection(request)
    if getattr(request, "htmx", None) and request.GET.get("after"):
        return render(request, "exceptions/case_list.html#rows", context)
    return render(request, "exceptions/case_list.html", context)


def _opens(view: SavedView, request: HttpRequest) -> bool:
    return view.is_default and view.owner_id == request.user.pk


def _filtered(
    request: HttpRequest, cases: QuerySet[ExceptionCase]
) -> tuple[QuerySet[ExceptionCase], list[dict[str, str]]]:
    chips = []
    query = request.GET
    if slug := plain(query.get("connection", "")):
        chips.append(_chip(request, "Connection", slug, "connection"))
    if cause := query.get("cause"):
        found = Cause.objects.filter(pk=whole_number(cause) or 0).first()
        chips.append(_chip(request, "Cause", found.title if found else cause, "cause"))
    if incident := query.get("incident"):
        chips.append(_chip(request, "Incident", incident, "incident"))
    if run := query.get("run"):
        result = query.get("result", "").lower()
        chips.append(_chip(request, "Replay", f"{run} {result}".strip(), "run", "result"))
    return narrow(cases, query), chips


def _chip(request: HttpRequest, label: str, value: str, *names: str) -> dict[str, str]:
    return {"label": label, "value": value, "clear_href": _without(request, *names)}


def _without(request: HttpRequest, *names: str) -> str:
    left_out = {*names, "after", "case", "scope"}
    query = {k: str(v) for k, v in request.GET.items() if k not in left_out}
    return f"?{urlencode(query)}"


def _frame(request: HttpRequest, view: str, chips: list[dict[str, str]]) -> dict[str, Any]:
    now = timezone.now()
    numbers = counts(user=request.user, now=now)
    free = numbers["unassigned"] if view == "mine" and not chips else 0
    connections = visible_connections(request.user).order_by("name")
    chosen = request.GET.get("connection", "")
    return {
        "section": "queue",
        "tabs": [
            {
                "label": label,
                "count": shown(numbers[slug]) if slug in numbers else None,
                "slug": slug,
                "href": f"?view={slug}",
                "current": slug == view,
            }
            for slug, (label, _) in VIEWS.items()
        ],
        "chips": chips,
        "banners": banners(request.user, connection=plain(chosen)),
        "keep": [("view", view)],
        "free": free,
        "take": min(free, TAKEN_AT_ONCE) if may(request.user, Ability.WORK_CASES) else 0,
        "filters": [
            {
                "name": "connection",
                "label": "Connection",
                "options": [(c.slug, c.name, c.slug == chosen) for c in connections],
            }
        ],
        "case": _open_pane(request),
    }


def _open_pane(request: HttpRequest) -> CasePane | None:
    number = whole_number(request.GET.get("case", ""))
    case = loaded_cases(request).filter(pk=number).first() if number else None
    return pane_of(case, user=request.user, now=timezone.now()) if case else None


def _case_rows(request: HttpRequest, cases: QuerySet[ExceptionCase]) -> dict[str, Any]:
    found = list(most_urgent(cases, after=request.GET.get("after", ""))[: PAGE + 1])
    has_more = len(found) > PAGE
    page = found[:PAGE]
    total = cases.order_by()[: MOST_COUNTED + 1].count()
    told = f"{shown(total)} exception{'' if total == 1 else 's'}"
    query = request.GET.copy()
    query.pop("case", None)
    walk_url = next_url(walk_from(request.GET))
    if has_more:
        query["after"] = cursor_of(page[-1])
    return {
        "rows": rows_of(page),
        "total_text": told + _cured(request, cases),
        "next_href": f"?{query.urlencode()}" if has_more else "",
        "walk_url": walk_url if page else "",
    }


def _cured(request: HttpRequest, cases: QuerySet[ExceptionCase]) -> str:
    """Closed is a claim: how many of them were seen to be cured."""
    if request.GET.get("view") != "resolved":
        return ""
    verified = cases.filter(proof=Proof.VERIFIED).order_by()[: MOST_COUNTED + 1].count()
    return f" · {shown(verified)} resolved, verified"


def _bulk(request: HttpRequest) -> dict[str, Any] | None:
    """What one may do with ticked rows."""
    if not may(request.user, Ability.REPLAY_MANY):
        return None
    query = request.GET.copy()
    for name in ("case", "after", "scope", "ids"):
        query.pop(name, None)
    return {
        "url": reverse("replay-select"),
        "actions": [{"verb": "replay", "label": "Replay", "key": "R"}],
        "select_all": {
            "label": "Select all that match",
            "url": f"{reverse('replay-select-all')}?{query.urlencode()}",
        },
    }


def _selection(request: HttpRequest) -> dict[str, Any]:
    bulk = _bulk(request)
    if bulk is None or not request.GET.get("scope"):
        return {"bulk": bulk}
    try:
        found = BulkScope.objects.filter(
            pk=UUID(request.GET["scope"]), user_id=request.user.pk or 0, run=None
        ).first()
    except ValueError:
        found = None
    return {"bulk": bulk, "scope": _scope(request, found) if found else None}


def _scope(request: HttpRequest, scope: BulkScope) -> dict[str, Any]:
    return {
        "count": scope.count,
        "at": scope.created_at,
        "plan_url": reverse("replay-plan", args=[scope.pk]),
        "clear_url": _without(request, "scope"),
    }


def _cause_rows(request: HttpRequest, cases: QuerySet[ExceptionCase], view: str) -> dict[str, Any]:
    may_replay = may(request.user, Ability.REPLAY_MANY)
    causes = causes_by_damage(cases, most=PAGE)
    return {
        "by_cause": True,
        "rows": [
            {
                "id": one.cause.pk,
                "title": one.cause.title,
                "cases": one.cases,
                "value": f"{to_cents(one.money, one.currency)} {one.currency}"
                if one.money and one.currency
                else "",
                "first_seen": one.cause.first_seen_at,
                "last_seen": one.cause.last_seen_at,
                "owner": one.cause.connection.name if one.cause.connection else "",
                "severity": SEVERITIES[one.worst],
                "href": f"?view={view}&cause={one.cause.pk}",
                "about_url": reverse("cause", args=[one.cause.pk]),
                "replay_url": reverse("cause-replay", args=[one.cause.pk])
                if may_replay and play_of(one.cause.code).replay
                else "",
            }
            for one in causes
        ],
        "total_text": f"{len(causes)} cause{'' if len(causes) == 1 else 's'} · worst first",
        "next_href": "",
    }


@require_GET
def case_rows(request: HttpRequest) -> HttpResponse:
    """The rows of `?ids=` (at most 50) as they are now; X-Gone names those that left the view."""
    asked = map(whole_number, request.GET.get("ids", "").split(","))
    wanted = [number for number in asked if number is not None][:50]
    view = request.GET.get("view", "open")
    now = timezone.now()
    cases = cases_in(view if view in VIEWS else "open", user=request.user, now=now)
    cases, _ = _filtered(request, cases)
    found = list(most_urgent(cases.filter(pk__in=wanted)))
    response = render(
        request,
        "exceptions/case_list.html#rows",
        {"rows": rows_of(found), "bulk": _bulk(request)},
    )
    gone = set(wanted) - {case.pk for case in found}
    response["X-Gone"] = ",".join(str(pk) for pk in sorted(gone))
    return response


def loaded_cases(request: HttpRequest) -> QuerySet[ExceptionCase]:
    """Cases this person may see, with all that a pane shows."""
    return visible_cases(request.user).select_related(
        "connection",
        "owner",
        "team",
        "cause__merged_into",
        "inbound",
        "outbound__connection",
        "order",
    )
