"""Replays of many: select, plan, start, watch, steer."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exceptions.lifecycle import ItemState
from exceptions.models import BulkScope, ReplayRun
from exceptions.replay_pages import plan_page, run_page, run_rows
from exceptions.selectors import FILTERS, VIEWS, cases_in, narrow, visible_cases, visible_runs
from exceptions.services.plan_replay import plan_replay
from exceptions.services.runs import cases_for
from exceptions.services.select_cases import select_cases
from exceptions.services.start_run import start_run
from exceptions.services.steer_run import dismiss_run, steer_run
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain, whole_number

SHOWN_FOR = timedelta(days=30)
MOST_SHOWN = 100


def _must_lead(request: HttpRequest) -> None:
    if not may(request.user, Ability.REPLAY_MANY):
        raise PermissionDenied("Needs the lead role to replay many at once.")


def _to(name: str, *args: object) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse(name, args=args), status=303)


def filters_of(query: QueryDict) -> dict[str, str]:
    """The part of an address that says which cases are meant."""
    found = {name: plain(str(query[name])) for name in FILTERS if query.get(name)}
    if found.get("view") not in VIEWS:
        found["view"] = "open"
    return found


@require_POST
def select(request: HttpRequest) -> HttpResponse:
    """Keep the ticked ones, and show what a replay of them would do."""
    _must_lead(request)
    numbers = [number for text in request.POST.getlist("ids") if (number := whole_number(text))]
    cases = visible_cases(request.user).filter(pk__in=numbers)
    try:
        scope = select_cases(cases, by=request.user, now=timezone.now())
    except NeedsOperator as error:
        messages.error(request, str(error))
        return _to("queue")
    return _to("replay-plan", scope.pk)


@require_POST
def select_all(request: HttpRequest) -> HttpResponse:
    """Keep all that match the queue's filter now; the queue says so."""
    _must_lead(request)
    query, now = filters_of(request.GET), timezone.now()
    cases = narrow(cases_in(query["view"], user=request.user, now=now), query)
    address = QueryDict(mutable=True)
    address.update(query)
    try:
        address["scope"] = str(select_cases(cases, by=request.user, now=now, query=query).pk)
    except NeedsOperator as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(f"{reverse('queue')}?{address.urlencode()}", status=303)


@require_http_methods(["GET", "POST"])
def plan(request: HttpRequest, scope_id: UUID) -> HttpResponse:
    """What a replay of a selection would do; posting starts it, once."""
    _must_lead(request)
    now = timezone.now()
    scope = get_object_or_404(BulkScope, pk=scope_id, user_id=request.user.pk)
    known = ReplayRun.objects.filter(scope=scope).first()
    if known is not None:
        return _to("replay-run", known.pk)
    if request.method == "POST":
        reason = plain(request.POST.get("reason", ""))[:500]
        try:
            return _to(
                "replay-run",
                start_run(scope_id=scope.pk, by=request.user, now=now, reason=reason).pk,
            )
        except NeedsOperator as error:
            messages.error(request, str(error))
    made = plan_replay(scope.case_ids, visible=cases_for(request.user))
    context = plan_page(scope, made, user=request.user)
    return render(request, "exceptions/replay_plan.html", context)


@require_GET
def run_list(request: HttpRequest) -> HttpResponse:
    """What is running, what waits for a person, and the last 30 days."""
    runs = visible_runs(request.user).filter(
        Q(dismissed_at=None) | Q(started_at__gte=timezone.now() - SHOWN_FOR)
    )
    context = {
        "section": "replays",
        "groups": run_rows(runs.order_by("-pk")[:MOST_SHOWN]),
        "may_replay": may(request.user, Ability.REPLAY_MANY),
    }
    return render(request, "exceptions/replay_list.html", context)


@require_GET
def run_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    """One replay: how far it is, what failed, and what one may do about it."""
    runs = visible_runs(request.user).select_related(
        "started_by", "api_key", "incident", "cause", "scope"
    )
    run = get_object_or_404(runs, pk=run_id)
    context = run_page(run, user=request.user, now=timezone.now())
    return render(request, "exceptions/replay_detail.html", context)


@require_POST
def run_act(request: HttpRequest, run_id: int, verb: str) -> HttpResponse:
    """Pause, resume, cancel the rest, close the report, or replay what failed."""
    run = get_object_or_404(visible_runs(request.user), pk=run_id)
    _must_lead(request)
    if verb == "again":
        return _again(request, run)
    if verb not in {"pause", "resume", "cancel", "close"}:
        raise Http404
    actor_id, now = int(request.user.pk or 0), timezone.now()
    try:
        if verb == "close":
            dismiss_run(run_id=run.pk, actor_id=actor_id, now=now)
        else:
            steer_run(run_id=run.pk, verb=verb, actor_id=actor_id, now=now)
    except NeedsOperator as error:
        messages.error(request, str(error))
    return _to("replay-run", run.pk)


def _again(request: HttpRequest, run: ReplayRun) -> HttpResponse:
    failed = run.items.filter(state=ItemState.FAILED).values("case_id")
    cases = visible_cases(request.user).filter(pk__in=failed)
    query = {"run": str(run.pk), "result": "failed"}
    try:
        scope = select_cases(
            cases, by=request.user, now=timezone.now(), query=query, cause_id=run.cause_id
        )
    except NeedsOperator as error:
        messages.error(request, str(error))
        return _to("replay-run", run.pk)
    return _to("replay-plan", scope.pk)
