"""Keeping, naming, sharing and ordering one's views of the queue."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from exceptions.forms import first_errors
from exceptions.models import SavedView, Team
from exceptions.rows import person
from exceptions.saved_views import LONGEST, canonical, in_words, own_views, views_for
from exceptions.selectors import teams_of
from exceptions.services.saved_views import change_view, keep_view, move_view
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.text import plain


class ViewForm(forms.Form):
    """What may be changed of a view."""

    name = forms.CharField(max_length=60, error_messages={"required": "Give it a name."})
    team = forms.ModelChoiceField(
        Team.objects.none(),
        required=False,
        error_messages={"invalid_choice": "Share it with a team of yours."},
    )
    is_default = forms.BooleanField(required=False)

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        self.fields["team"].queryset = teams_of(user)  # type: ignore[attr-defined]


@require_GET
def view_list(request: HttpRequest) -> HttpResponse:
    """My views, and what colleagues share with me."""
    return _page(request)


def _page(request: HttpRequest, *, status: int = 200, problem: str = "") -> HttpResponse:
    mine = request.user.pk
    context = {
        "section": "queue",
        "problem": problem,
        "teams": list(teams_of(request.user).order_by("name", "pk")),
        "mine": [_row(row) for row in own_views(request.user)],
        "shared": [_row(row) for row in views_for(request.user) if row.owner_id != mine],
    }
    return render(request, "exceptions/view_list.html", context, status=status)


def _row(row: SavedView) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "href": f"{reverse('queue')}?{row.query}",
        "words": in_words(row.query),
        "team_id": row.team_id,
        "team": row.team.name if row.team else "",
        "is_default": row.is_default,
        "by": person(row.owner),
    }


@require_POST
def view_keep(request: HttpRequest) -> HttpResponse:
    """Keep what the queue shows now under a name."""
    query = canonical(QueryDict(request.POST.get("query", "")[:2000]))[:LONGEST]
    name = plain(request.POST.get("name", ""))[:60]
    back = HttpResponseRedirect(f"{reverse('queue')}?{query}", status=303)
    if not name:
        messages.error(request, "Give the view a name.")
        return back
    try:
        keep_view(owner_id=int(request.user.pk or 0), name=name, query=query)
        messages.success(request, f"Kept as “{name}”. It is in the menu Views.")
    except NeedsOperator as error:
        messages.error(request, str(error))
    return back


def _own(request: HttpRequest, view_id: int) -> SavedView:
    # Whatever is somebody else's is not there, shared or not.
    return get_object_or_404(own_views(request.user), pk=view_id)


@require_POST
def view_change(request: HttpRequest, view_id: int) -> HttpResponse:
    """Rename, share, or open the queue with it. 422 with the reason when that can't be."""
    view = _own(request, view_id)
    form = ViewForm(request.POST, user=request.user)
    if not form.is_valid():
        return _page(request, status=422, problem=first_errors(form)[0])
    values, team = form.cleaned_data, form.cleaned_data["team"]
    try:
        change_view(
            view=view,
            name=values["name"],
            team_id=team.pk if team else None,
            is_default=values["is_default"],
        )
    except NeedsOperator as error:
        return _page(request, status=422, problem=str(error))
    messages.success(request, f"“{values['name']}” is changed.")
    return HttpResponseRedirect(reverse("views"), status=303)


@require_POST
def view_move(request: HttpRequest, view_id: int) -> HttpResponse:
    """One place up or down in the menu."""
    move_view(view=_own(request, view_id), is_up=request.POST.get("way") == "up")
    return HttpResponseRedirect(reverse("views"), status=303)


@require_POST
def view_remove(request: HttpRequest, view_id: int) -> HttpResponse:
    """Drop it, also for the team it is shared with. No exception is touched."""
    view = _own(request, view_id)
    view.delete()
    messages.info(request, f"“{view.name}” is removed.")
    return HttpResponseRedirect(reverse("views"), status=303)
