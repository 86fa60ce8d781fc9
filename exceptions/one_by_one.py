"""Working through a view: the next case, the skipped one, and some more to do when all is done."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from exceptions.queue import TAKEN_AT_ONCE, loaded_cases
from exceptions.selectors import cases_in, narrow
from exceptions.services.acts import add_note
from exceptions.services.take_urgent import take_most_urgent
from exceptions.walk import Walk, ahead, case_url, next_url, walk_from
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain


@require_GET
def queue_next(request: HttpRequest) -> HttpResponse:
    """Leads to the most urgent case of a view that was not seen yet, or back to the list."""
    walk = walk_from(request.GET)
    found = ahead(walk, user=request.user, now=timezone.now()).first()
    if found is not None:
        return HttpResponseRedirect(case_url(found.pk, walk))
    messages.info(request, _end_of(walk, request))
    return HttpResponseRedirect(walk.stop_url)


def _end_of(walk: Walk, request: HttpRequest) -> str:
    cases = cases_in(walk.view, user=request.user, now=timezone.now())
    still = narrow(cases, walk.filters).count()
    if still == 0:
        return f"Nothing left in {walk.label}."
    past = "One you went past is" if still == 1 else f"{still} you went past are"
    return f"That was all of {walk.label}. {past} still here."


@require_POST
def case_skip(request: HttpRequest, case_id: int) -> HttpResponse:
    """Go past a case, with a word for the next person if there is one."""
    case = get_object_or_404(loaded_cases(request), pk=case_id)
    if not may(request.user, Ability.WORK_CASES):
        raise PermissionDenied("Your role can't skip cases.")
    if reason := plain(request.POST.get("reason", ""))[:2000]:
        actor_id = int(request.user.pk or 0)
        add_note(case_id=case.pk, actor_id=actor_id, text=f"Skipped: {reason}", now=timezone.now())
    return HttpResponseRedirect(next_url(walk_from(request.GET).past(case.pk)), status=303)


@require_POST
def queue_take(request: HttpRequest) -> HttpResponse:
    """Claim the most urgent cases that nobody has, and begin with the first."""
    if not may(request.user, Ability.WORK_CASES):
        raise PermissionDenied("Your role can't claim cases.")
    taken = take_most_urgent(user=request.user, count=TAKEN_AT_ONCE, now=timezone.now())
    if not taken:
        messages.info(request, "Nobody's cases are all taken. Look again later.")
        return HttpResponseRedirect(f"{reverse('queue')}?view=mine", status=303)
    messages.info(request, f"{len(taken)} taken. They are yours now.")
    return HttpResponseRedirect(next_url(Walk({"view": "mine"})), status=303)
