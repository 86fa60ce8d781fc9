"""One case, and every button on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from connectors.services.codes import save_mapping
from exceptions.activity import activity_of
from exceptions.forms import ACT_FORMS, MappingRowForm, first_errors
from exceptions.groups import cases_of_cause
from exceptions.models import Cause, ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.pane import pane_of, undo_of
from exceptions.queue import loaded_cases
from exceptions.selectors import visible_cases
from exceptions.services import acts
from exceptions.services.assign import assign_case
from exceptions.services.replay import follow_mapping, replay_case
from exceptions.services.select_cases import select_cases
from exceptions.walk import (
    GOES_ON,
    Walk,
    ahead,
    below,
    case_url,
    goes_on,
    list_beside,
    next_url,
    said_on_the_way,
    walk_of,
)
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.roles import Ability, may


def _actor(request: HttpRequest) -> int:
    # Every page asks for a sign-in, so there is always somebody.
    return int(request.user.pk or 0)


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
    walk: Walk | None = None,
) -> HttpResponse:
    case = get_object_or_404(loaded_cases(request), pk=case_id)
    walk = walk or walk_of(request)
    pane = pane_of(case, user=request.user, now=timezone.now(), walk=walk)
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
    "take_over": (Ability.WORK_CASES, _act(acts.take_over_case, "")),
    "release": (Ability.WORK_CASES, _act(acts.release_case, "")),
    "assign": (Ability.ASSIGN_CASES, _act(assign_case, "")),
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
    case = get_object_or_404(loaded_cases(request), pk=case_id)
    if not may(request.user, ability):
        raise PermissionDenied(f"Your role can't {verb} cases.")
    form = ACT_FORMS[verb](request.POST)
    if not form.is_valid():
        return _pane(request, case_id, status=422, errors=first_errors(form))
    try:
        said = act(case, request, form.cleaned_data)
    except NeedsOperator as error:
        return _pane(request, case_id, status=409, errors=[str(error)])
    return _after(request, case, said, done=GOES_ON.get(verb, ""))


@require_POST
def case_undo(request: HttpRequest, case_id: int, event_id: int) -> HttpResponse:
    """Take back the last act."""
    case = get_object_or_404(loaded_cases(request), pk=case_id)
    if not may(request.user, Ability.WORK_CASES) or not case.events.filter(pk=event_id).exists():
        raise PermissionDenied("Your role can't undo this.")
    try:
        acts.undo_act(event_id=event_id, actor_id=_actor(request), now=timezone.now())
    except NeedsOperator as error:
        return _pane(request, case_id, status=409, errors=[str(error)])
    return _back_at(request, case) or _after(request, case, "Taken back.")


def _back_at(request: HttpRequest, case: ExceptionCase) -> HttpResponse | None:
    """The case whose act was taken back from the pane of the next one."""
    notice = {"color": "blue", "text": "Taken back."}
    walk, beside = walk_of(request), list_beside(request)
    if walk is not None and case.pk in walk.seen and getattr(request, "htmx", None):
        before = walk.back_at(case.pk)
        return _other_pane(request, case.pk, case_url(case.pk, before), notice, before)
    if beside is not None and beside[1] != case.pk:
        return _other_pane(request, case.pk, beside[0].beside(case.pk), notice)
    return None


@require_POST
def case_mapping(request: HttpRequest, case_id: int) -> HttpResponse:
    """Save the row this case lacks; everything that waited for it goes on."""
    case = get_object_or_404(loaded_cases(request), pk=case_id)
    if not may(request.user, Ability.EDIT_MAPPINGS):
        raise PermissionDenied("Needs the lead role. Ask your lead to save this mapping.")
    form = MappingRowForm(request.POST, case=case)
    if not form.is_valid():
        return _pane(request, case_id, status=422, errors=first_errors(form))
    row = form.row()
    said = f"{row['external_code']} means {row['canonical_code']}"
    with transaction.atomic():
        now = timezone.now()
        count = follow_mapping(case_id=case.pk, actor_id=_actor(request), text=said, now=now)
        save_mapping(**row)
    said = f"Saved: {said}. {count} replayed with it."
    return _after(request, case, said, done=said)


@require_POST
def cause_replay(request: HttpRequest, cause_id: int) -> HttpResponse:
    """Replay every open case of a cause that this person may see: one at once, many by a plan."""
    if not may(request.user, Ability.REPLAY_MANY):
        raise PermissionDenied("Needs the lead role to replay many at once.")
    cause = get_object_or_404(Cause, pk=cause_id)
    cases = cases_of_cause(cause.pk).filter(
        pk__in=visible_cases(request.user).values("pk"), state__in=OPEN_STATES
    )
    try:
        scope = select_cases(cases, by=request.user, now=timezone.now(), cause_id=cause.pk)
        if scope.count == 1:
            replay_case(case_id=scope.case_ids[0], actor_id=_actor(request), now=timezone.now())
    except NeedsOperator as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(f"{reverse('queue')}?group=cause")
    if scope.count > 1:
        return HttpResponseRedirect(reverse("replay-plan", args=[scope.pk]), status=303)
    messages.info(request, "Sent. The result shows in the list by itself.")
    return HttpResponseRedirect(f"{reverse('queue')}?group=cause")


def _after(request: HttpRequest, case: ExceptionCase, said: str, *, done: str = "") -> HttpResponse:
    """The case again; or the next one, when it is done and that is how this person works."""
    walk = walk_of(request)
    if done:
        further = (
            _go_on(request, case, walk.past(case.pk), done)
            if walk
            else _list_on(request, case, done)
        )
        if further is not None:
            return further
    if getattr(request, "htmx", None):
        notice = {"color": "blue", "text": said} if said else None
        return _pane(request, case.pk, notice=notice)
    if said:
        messages.info(request, said)
    return HttpResponseRedirect(case_url(case.pk, walk), status=303)


def _go_on(request: HttpRequest, case: ExceptionCase, walk: Walk, done: str) -> HttpResponse:
    """The next case of a walk, or the end of it."""
    is_fragment = bool(getattr(request, "htmx", None))
    found = ahead(walk, user=request.user, now=timezone.now()).first()
    if is_fragment and found is not None:
        said = _said_of(request, case, walk, done)
        return _other_pane(request, found.pk, case_url(found.pk, walk), said, walk)
    messages.info(request, said_on_the_way(walk, done, user=request.user))
    if is_fragment:
        return HttpResponse(headers={"HX-Redirect": next_url(walk)})
    return HttpResponseRedirect(next_url(walk), status=303)


def _list_on(request: HttpRequest, case: ExceptionCase, done: str) -> HttpResponse | None:
    """The next case of the list that the pane is open beside, if there is one."""
    beside = list_beside(request)
    if beside is None or not goes_on(request.user):
        return None
    walk = beside[0]
    found = below(walk, case, user=request.user, now=timezone.now()).first()
    if found is None:
        return None
    said = _said_of(request, case, walk, done)
    return _other_pane(request, found.pk, walk.beside(found.pk), said)


def _said_of(request: HttpRequest, case: ExceptionCase, walk: Walk, done: str) -> dict[str, str]:
    """A word about the case that was open, and how to take that back."""
    undo = undo_of(activity_of(case))
    said = said_on_the_way(walk, done, user=request.user)
    return {"color": "blue", "text": said, "undo_url": undo["url"] if undo else ""}


def _other_pane(
    request: HttpRequest,
    case_id: int,
    address: str,
    notice: dict[str, str],
    walk: Walk | None = None,
) -> HttpResponse:
    """Another case than the one that was open: nothing of that may be kept in its fields."""
    response = _pane(request, case_id, notice=notice, walk=walk)
    response["HX-Push-Url"] = address
    response["HX-Reswap"] = "outerHTML show:none"
    return response
