"""The queue, one case, and every button on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from connectors.services.codes import save_mapping
from exceptions.forms import ACT_FORMS, MappingRowForm, first_errors
from exceptions.models import Cause, ExceptionCase
from exceptions.pane import CasePane, pane_of
from exceptions.rows import SEVERITIES, row_of
from exceptions.selectors import (
    MOST_COUNTED,
    VIEWS,
    cases_in,
    causes_by_damage,
    counts,
    cursor_of,
    most_urgent,
    visible_cases,
    visible_connections,
)
from exceptions.services import acts
from exceptions.services.replay import follow_mapping, replay_case, replay_cause
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.money import to_cents
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain, whole_number

PAGE = 60


@require_GET
def case_list(request: HttpRequest) -> HttpResponse:
    """The queue: a whole page, or only its rows when htmx asks for more."""
    now = timezone.now()
    view = request.GET.get("view", "open")
    if view not in VIEWS:
        messages.info(request, f"There is no view “{view}”; showing the open ones.")
        view = "open"
    cases, chips = _filtered(request, cases_in(view, user=request.user, now=now))
    context = _frame(request, view, chips)
    if request.GET.get("group") == "cause":
        context |= _cause_rows(cases, view)
    else:
        context |= _case_rows(request, cases)
    if getattr(request, "htmx", None) and request.GET.get("after"):
        return render(request, "exceptions/case_list.html#rows", context)
    return render(request, "exceptions/case_list.html", context)


def _filtered(
    request: HttpRequest, cases: QuerySet[ExceptionCase]
) -> tuple[QuerySet[ExceptionCase], list[dict[str, str]]]:
    chips = []
    if slug := plain(request.GET.get("connection", "")):
        cases = cases.filter(connection__slug=slug)
        chips.append(
            {"label": "Connection", "value": slug, "clear_href": _without(request, "connection")}
        )
    if cause := request.GET.get("cause"):
        found = Cause.objects.filter(pk=whole_number(cause) or 0).first()
        cases = cases.filter(cause=found)
        chips.append(
            {
                "label": "Cause",
                "value": found.title if found else cause,
                "clear_href": _without(request, "cause"),
            }
        )
    return cases, chips


def _without(request: HttpRequest, name: str) -> str:
    query = {k: str(v) for k, v in request.GET.items() if k not in {name, "after", "case"}}
    return f"?{urlencode(query)}"


def _frame(request: HttpRequest, view: str, chips: list[dict[str, str]]) -> dict[str, Any]:
    now = timezone.now()
    numbers = counts(user=request.user, now=now)
    connections = visible_connections(request.user).order_by("name")
    chosen = request.GET.get("connection", "")
    return {
        "section": "queue",
        "tabs": [
            {
                "label": label,
                "count": numbers.get(slug),
                "slug": slug,
                "href": f"?view={slug}",
                "current": slug == view,
            }
            for slug, (label, _) in VIEWS.items()
        ],
        "chips": chips,
        "keep": [("view", view)],
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
    number = request.GET.get("case", "")
    case = _visible(request).filter(pk=whole_number(number) or 0).first()
    return pane_of(case, user=request.user, now=timezone.now()) if case else None


def _case_rows(request: HttpRequest, cases: QuerySet[ExceptionCase]) -> dict[str, Any]:
    found = list(most_urgent(cases, after=request.GET.get("after", ""))[: PAGE + 1])
    has_more = len(found) > PAGE
    page = found[:PAGE]
    total = cases.order_by()[: MOST_COUNTED + 1].count()
    shown = f"{MOST_COUNTED:,}+".replace(",", " ") if total > MOST_COUNTED else str(total)
    query = request.GET.copy()
    query.pop("case", None)
    if has_more:
        query["after"] = cursor_of(page[-1])
    return {
        "rows": [row_of(case) for case in page],
        "total_text": f"{shown} exception{'' if total == 1 else 's'} · most urgent first",
        "next_href": f"?{query.urlencode()}" if has_more else "",
    }


def _cause_rows(cases: QuerySet[ExceptionCase], view: str) -> dict[str, Any]:
    causes: list[Any] = list(causes_by_damage(cases)[:PAGE])
    return {
        "by_cause": True,
        "rows": [
            {
                "id": cause.pk,
                "title": cause.title,
                "cases": cause.open_cases,
                "value": f"{to_cents(cause.money, cause.currency)} {cause.currency}"
                if cause.money and cause.currency
                else "",
                "first_seen": cause.first_seen_at,
                "last_seen": cause.last_seen_at,
                "owner": cause.connection.name if cause.connection else "",
                "severity": SEVERITIES[cause.worst],
                "href": f"?view={view}&cause={cause.pk}",
                "replay_url": reverse("cause-replay", args=[cause.pk]),
            }
            for cause in causes
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
        request, "exceptions/case_list.html#rows", {"rows": [row_of(case) for case in found]}
    )
    gone = set(wanted) - {case.pk for case in found}
    response["X-Gone"] = ",".join(str(pk) for pk in sorted(gone))
    return response


def _actor(request: HttpRequest) -> int:
    # Every page asks for a sign-in, so there is always somebody.
    return int(request.user.pk or 0)


def _visible(request: HttpRequest) -> QuerySet[ExceptionCase]:
    return visible_cases(request.user).select_related(
        "connection", "owner", "team", "cause", "inbound", "outbound__connection", "order"
    )


@require_GET
def case_detail(request: HttpRequest, case_id: int) -> HttpResponse:
    """One case: its own page, or only the pane when the list opens it."""
    return _pane(request, case_id)


def _pane(
    request: HttpRequest,
    case_id: int,
    *,
    status: int = 200,
    errors: list[str] | None = None,
    notice: dict[str, str] | None = None,
) -> HttpResponse:
    case = get_object_or_404(_visible(request), pk=case_id)
    pane = pane_of(case, user=request.user, now=timezone.now())
    pane.notice = notice
    template = "exceptions/case_detail.html"
    if getattr(request, "htmx", None):
        template += "#pane"
    context = {"pane": pane, "errors": errors or [], "section": "queue"}
    return render(request, template, context, status=status)


Act = Callable[[ExceptionCase, HttpRequest, dict[str, Any]], str]


def _act(function: Callable[..., object], said: str) -> Act:
    def run(case: ExceptionCase, request: HttpRequest, values: dict[str, Any]) -> str:
        function(case_id=case.pk, actor_id=_actor(request), now=timezone.now(), **values)
        return said

    return run


ACTS: dict[str, tuple[Ability, Act]] = {
    "claim": (Ability.WORK_CASES, _act(acts.claim_case, "")),
    "release": (Ability.WORK_CASES, _act(acts.release_case, "")),
    "snooze": (Ability.WORK_CASES, _act(acts.snooze_case, "")),
    "wait": (Ability.WORK_CASES, _act(acts.wait_case, "")),
    "wake": (Ability.WORK_CASES, _act(acts.wake_case, "")),
    "resolve": (Ability.WORK_CASES, _act(acts.resolve_case, "")),
    "ignore": (Ability.IGNORE_CASES, _act(acts.ignore_case, "")),
    "reopen": (Ability.WORK_CASES, _act(acts.reopen_case, "")),
    "note": (Ability.WORK_CASES, _act(acts.add_note, "")),
    "replay": (Ability.WORK_CASES, _act(replay_case, "Sent. The result shows here by itself.")),
}


@require_POST
def case_act(request: HttpRequest, case_id: int, verb: str) -> HttpResponse:
    """Press one button. 409 when the case has moved on, 422 when a field is missing."""
    if verb not in ACTS:
        raise Http404
    ability, act = ACTS[verb]
    case = get_object_or_404(_visible(request), pk=case_id)
    if not may(request.user, ability):
        raise PermissionDenied(f"Your role can't {verb} cases.")
    form = ACT_FORMS[verb](request.POST)
    if not form.is_valid():
        return _pane(request, case_id, status=422, errors=first_errors(form))
    try:
        said = act(case, request, form.cleaned_data)
    except NeedsOperator as error:
        return _pane(request, case_id, status=409, errors=[str(error)])
    return _after(request, case_id, said)


@require_POST
def case_undo(request: HttpRequest, case_id: int, event_id: int) -> HttpResponse:
    """Take back the last act."""
    case = get_object_or_404(_visible(request), pk=case_id)
    if not may(request.user, Ability.WORK_CASES) or not case.events.filter(pk=event_id).exists():
        raise PermissionDenied("Your role can't undo this.")
    try:
        acts.undo_act(event_id=event_id, actor_id=_actor(request), now=timezone.now())
    except NeedsOperator as error:
        return _pane(request, case_id, status=409, errors=[str(error)])
    return _after(request, case_id, "Taken back.")


@require_POST
def case_mapping(request: HttpRequest, case_id: int) -> HttpResponse:
    """Save the row this case lacks; everything that waited for it goes on."""
    case = get_object_or_404(_visible(request), pk=case_id)
    if not may(request.user, Ability.EDIT_MAPPINGS):
        raise PermissionDenied("Needs the lead role. Ask your lead to save this mapping.")
    form = MappingRowForm(request.POST, case=case)
    if not form.is_valid():
        return _pane(request, case_id, status=422, errors=first_errors(form))
    row = form.row()
    said = f"{row['external_code']} means {row['canonical_code']}"
    with transaction.atomic():
        now = timezone.now()
        count = follow_mapping(cause=case.cause, actor_id=_actor(request), text=said, now=now)
        save_mapping(**row)
    return _after(request, case_id, f"Saved: {said}. {count} replayed with it.")


@require_POST
def cause_replay(request: HttpRequest, cause_id: int) -> HttpResponse:
    """Replay every open case of a cause that this person may see."""
    if not may(request.user, Ability.REPLAY_MANY):
        raise PermissionDenied("Needs the lead role to replay many at once.")
    cause = get_object_or_404(Cause, pk=cause_id)
    scope = list(visible_cases(request.user).filter(cause=cause).values_list("pk", flat=True))
    started = replay_cause(cause=cause, actor_id=_actor(request), scope=scope, now=timezone.now())
    messages.info(request, f"{started} replays started. Results show in the list by themselves.")
    return HttpResponseRedirect(f"{reverse('queue')}?group=cause")


def _after(request: HttpRequest, case_id: int, said: str) -> HttpResponse:
    if getattr(request, "htmx", None):
        notice = {"color": "blue", "text": said} if said else None
        return _pane(request, case_id, notice=notice)
    if said:
        messages.info(request, said)
    return HttpResponseRedirect(reverse("case", args=[case_id]), status=303)
