"""Who has what, by which rules, and who would move if they changed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from exceptions.models import ExceptionCase, OwnershipRule, RuleSet
from exceptions.models.cases import OPEN_STATES
from exceptions.moves import moves_under
from exceptions.rows import person
from exceptions.rule_forms import AbsenceForm, OwnershipRuleForm
from exceptions.services.ownership import current_rules
from exceptions.services.rules import apply_rules, draft_rules, key_of
from exceptions.staff import absences_of, colleagues_of, teams_at_work
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain, whole_number


@require_GET
def ownership(request: HttpRequest) -> HttpResponse:
    """The rules in force, the draft beside them, and every team at work."""
    _must_rule(request)
    asked = whole_number(request.GET.get("edit", ""))
    row = OwnershipRule.objects.filter(pk=asked or 0).first()
    return _page(request, form=OwnershipRuleForm(instance=row))


def _must_rule(request: HttpRequest) -> None:
    if not may(request.user, Ability.EDIT_OWNERSHIP):
        raise PermissionDenied("Needs the lead role to see and change who has what.")


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    now = timezone.now()
    context = {
        "section": "ownership",
        **_rules_and_moves(),
        "pinned": ExceptionCase.objects.filter(state__in=OPEN_STATES, is_pinned=True).count(),
        "teams": teams_at_work(now=now),
        "absence_form": AbsenceForm(people=colleagues_of(request.user)),
        "absences": absences_of(request.user, now=now),
        "form": OwnershipRuleForm(),
        **more,
    }
    return render(request, "console/ownership.html", context, status=status)


def _rules_and_moves() -> dict[str, Any]:
    draft, current = draft_rules(), current_rules()
    is_pending = draft != list(current.rules)
    moves = moves_under(draft) if is_pending else []
    routing = {rule.text for rule in current.rules}
    rows = OwnershipRule.objects.select_related("connection", "node", "team")
    return {
        "version": RuleSet.objects.select_related("applied_by").order_by("-number").first(),
        "rules": [
            {"id": row.pk, "text": str(row), "is_active": row.is_active, "routes": text in routing}
            for row in rows.order_by("position", "pk")
            for text in [str(row)]
        ],
        "dropped": [rule.text for rule in current.rules if rule not in draft],
        "is_pending": is_pending,
        "moves": moves,
        "moved": sum(move.cases for move in moves),
        "key": key_of(draft),
    }


@require_POST
def ownership_apply(request: HttpRequest) -> HttpResponse:
    """Make the draft route, if it is still the one that was shown. 409 if not."""
    _must_rule(request)
    key = plain(request.POST.get("key", ""))
    try:
        applied = apply_rules(actor_id=request.user.pk, key=key, now=timezone.now())
    except NeedsOperator as error:
        return _page(request, status=409, problem=str(error))
    moved = f"{applied.moved} case{'' if applied.moved == 1 else 's'} moved."
    messages.info(request, f"Version {applied.number} routes now. {moved}")
    return HttpResponseRedirect(reverse("ownership"))


@require_POST
def rule_save(request: HttpRequest) -> HttpResponse:
    """Add a row to the draft, or change one. 422 with the form when a field makes no sense."""
    _must_rule(request)
    asked = whole_number(request.POST.get("id", ""))
    row = get_object_or_404(OwnershipRule, pk=asked) if asked else None
    form = OwnershipRuleForm(request.POST, instance=row)
    if not form.is_valid():
        return _page(request, status=422, form=form)
    form.save()
    messages.info(request, "Saved in the draft. Nothing has moved yet.")
    return HttpResponseRedirect(reverse("ownership"))


@require_POST
def rule_remove(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Take a row out of the draft. What it said stays in the versions and in the history."""
    _must_rule(request)
    get_object_or_404(OwnershipRule, pk=rule_id).delete()
    messages.info(request, "Removed from the draft. Nothing has moved yet.")
    return HttpResponseRedirect(reverse("ownership"))


@require_POST
def absence_save(request: HttpRequest) -> HttpResponse:
    """Say that a colleague is away. 422 with the form when a field makes no sense."""
    _must_rule(request)
    form = AbsenceForm(request.POST, people=colleagues_of(request.user))
    if not form.is_valid():
        return _page(request, status=422, absence_form=form)
    form.save()
    messages.info(request, f"{person(form.instance.person)} gets nothing new meanwhile.")
    return HttpResponseRedirect(reverse("ownership"))


@require_POST
def absence_remove(request: HttpRequest, absence_id: int) -> HttpResponse:
    """They are here after all."""
    _must_rule(request)
    get_object_or_404(absences_of(request.user, now=timezone.now()), pk=absence_id).delete()
    return HttpResponseRedirect(reverse("ownership"))
