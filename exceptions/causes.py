"""The page of a cause, and how people merge and split causes on it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from exceptions.cause_forms import MergeForm, SplitForm
from exceptions.cause_page import cause_page, events_of, others_to_merge
from exceptions.forms import first_errors
from exceptions.groups import sees_all_of, visible_causes
from exceptions.models import Cause, CauseEvent
from exceptions.playbook import play_of
from exceptions.services.merge_causes import merge_causes
from exceptions.services.split_cause import split_cause
from exceptions.services.undo_causes import undo_causes
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.roles import Ability, may


@require_GET
def cause_detail(request: HttpRequest, cause_id: int) -> HttpResponse:
    """One cause. One that was merged leads to the one it is shown as."""
    # In this order: one that is merged in between is found as merged.
    if cause := _shown(request).filter(pk=cause_id).first():
        return _page(request, cause)
    merged = get_object_or_404(Cause, pk=cause_id, merged_into__isnull=False)
    return redirect("cause", merged.merged_into_id)


def _shown(request: HttpRequest) -> QuerySet[Cause]:
    return visible_causes(request.user).select_related("connection")


def _visible(request: HttpRequest, cause_id: int) -> Cause:
    return get_object_or_404(_shown(request), pk=cause_id)


def _page(
    request: HttpRequest, cause: Cause, *, status: int = 200, errors: list[str] | None = None
) -> HttpResponse:
    may_shape = may(request.user, Ability.SHAPE_CAUSES)
    context = {
        "section": "queue",
        "page": cause_page(cause, user=request.user, now=timezone.now()),
        "may_shape": may_shape,
        "others": others_to_merge(cause, request.user) if may_shape else [],
        "may_replay": bool(play_of(cause.code).replay) and may(request.user, Ability.REPLAY_MANY),
        "errors": errors or [],
    }
    return render(request, "exceptions/cause_detail.html", context, status=status)


def _shaped(request: HttpRequest, cause_id: int) -> Cause:
    """The cause, if this person may move all that is in it."""
    if not may(request.user, Ability.SHAPE_CAUSES):
        raise PermissionDenied("Needs the lead role to merge and split causes. Ask your lead.")
    cause = _visible(request, cause_id)
    _must_see_all(request, [cause.pk])
    return cause


def _must_see_all(request: HttpRequest, cause_ids: list[int]) -> None:
    if not sees_all_of(request.user, cause_ids):
        raise PermissionDenied(
            "Part of this cause belongs to another team. A role that sees everything can do it."
        )


def _act(
    request: HttpRequest, cause: Cause, act: Callable[[], CauseEvent], said: str
) -> HttpResponse:
    try:
        event = act()
    except NeedsOperator as error:
        return _page(request, cause, status=409, errors=[str(error)])
    messages.info(request, said)
    shown = event.other if event.verb == CauseEvent.Verb.MERGE else cause
    return HttpResponseRedirect(reverse("cause", args=[shown.pk]), status=303)


@require_POST
def cause_merge(request: HttpRequest, cause_id: int) -> HttpResponse:
    """Show this cause as another one from now on."""
    cause = _shaped(request, cause_id)
    form = MergeForm(request.POST)
    if not form.is_valid():
        return _page(request, cause, status=422, errors=first_errors(form))
    into = _visible(request, form.cleaned_data["into"])
    _must_see_all(request, [into.pk])
    return _act(
        request,
        cause,
        lambda: merge_causes(
            cause_id=cause.pk,
            into_id=into.pk,
            actor_id=int(request.user.pk or 0),
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        ),
        f"Merged into “{into.title}”. What comes of the same reason goes there too.",
    )


@require_POST
def cause_split(request: HttpRequest, cause_id: int) -> HttpResponse:
    """Give the ticked cases a cause of their own."""
    cause = _shaped(request, cause_id)
    form = SplitForm(request.POST)
    if not form.is_valid():
        return _page(request, cause, status=422, errors=first_errors(form))
    values = form.cleaned_data
    return _act(
        request,
        cause,
        lambda: split_cause(
            cause_id=cause.pk,
            case_ids=values["cases"],
            title=values["title"],
            actor_id=int(request.user.pk or 0),
            reason=values["reason"],
            now=timezone.now(),
        ),
        f"“{values['title']}” has {len(values['cases'])} of them. New ones still come here.",
    )


@require_POST
def cause_undo(request: HttpRequest, cause_id: int, event_id: int) -> HttpResponse:
    """Take back a merge or a split."""
    cause = _shaped(request, cause_id)
    get_object_or_404(events_of(cause), pk=event_id)
    return _act(
        request,
        cause,
        lambda: undo_causes(
            event_id=event_id, actor_id=int(request.user.pk or 0), now=timezone.now()
        ),
        "Taken back.",
    )
