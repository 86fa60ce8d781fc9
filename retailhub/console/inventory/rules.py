"""The rules of the sum: read as sentences, tried on today's stock before they count, then kept."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from inventory.availability import Knob, Rule, RuleBook
from inventory.models import AvailabilityRule, Channel, Item, Location
from inventory.preview import Effect, effect_of
from inventory.selectors import rules_in_force
from inventory.services.keep_rule import keep_rule
from retailhub.console.inventory.addresses import item_href
from retailhub.console.inventory.rule_form import RuleForm
from retailhub.console.inventory.rule_words import words_of
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain, whole_number

PAGE = 100


@require_GET
def rule_list(request: HttpRequest) -> HttpResponse:
    """Every rule that counts, the newest first, and the form for one more."""
    rows = AvailabilityRule.objects.filter(is_active=True)
    if text := plain(request.GET.get("q", "")):
        rows = rows.filter(
            Q(item__sku__icontains=text)
            | Q(category__icontains=text)
            | Q(channel__name__icontains=text)
            | Q(location__name__icontains=text)
            | Q(note__icontains=text)
        )
    if (last := whole_number(request.GET.get("after", ""))) is not None:
        rows = rows.filter(pk__lt=last)
    found = list(rows.select_related("item", "channel", "location").order_by("-pk")[: PAGE + 1])
    context = {
        "rules": [_row(row) for row in found[:PAGE]],
        "query": text,
        "next_href": f"?after={found[PAGE - 1].pk}" if len(found) > PAGE else "",
    }
    return _page(request, context, RuleForm())


def _row(row: AvailabilityRule) -> dict[str, Any]:
    item = row.item
    return {
        **words_of(row),
        "edit_href": reverse("stock-rule", args=[row.pk]),
        "item_href": item_href(item.sku, item.pk) if item else "",
        "changed_at": row.updated_at,
    }


def _page(
    request: HttpRequest, context: dict[str, Any], form: RuleForm, *, status: int = 200
) -> HttpResponse:
    may_edit = may(request.user, Ability.EDIT_RULES)
    frame = {
        "section": "inventory",
        "form": form if may_edit else None,
        "may_edit": may_edit,
        "codes": {
            "channels": list(Channel.objects.order_by("name")),
            "locations": list(Location.objects.order_by("priority", "code")),
        },
    }
    return render(request, "inventory/rule_list.html", {**frame, **context}, status=status)


@require_GET
def rule_detail(request: HttpRequest, rule_id: int) -> HttpResponse:
    """One rule, to change it."""
    rule = _rule(rule_id)
    return _page(request, {"rule": _row(rule)}, RuleForm(instance=rule))


@require_POST
def rule_save(request: HttpRequest, rule_id: int | None = None) -> HttpResponse:
    """Show what would change; keep the rule when that was seen and is still wanted."""
    _check(request)
    rule = _rule(rule_id) if rule_id is not None else AvailabilityRule()
    form = RuleForm(request.POST, instance=rule)
    shown = {"rule": _row(_rule(rule_id))} if rule_id is not None else {}
    if not form.is_valid():
        return _page(request, shown, form, status=422)
    rule = form.save(commit=False)
    if request.POST.get("seen") != _fingerprint(rule):
        return _page(request, {**shown, **_previewed(_effect(rule), rule)}, form)
    keep_rule(rule)
    words = words_of(rule)
    messages.info(request, f"Saved: {words['does']}. {words['scope']}. Channels are told.")
    return HttpResponseRedirect(reverse("stock-rules"), status=303)


@require_POST
def rule_remove(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Show what would change without it; switch it off when that was seen."""
    _check(request)
    rule = _rule(rule_id)
    rule.is_active = False
    if request.POST.get("seen") != _fingerprint(rule):
        context = {"rule": _row(rule), "removing": True, **_previewed(_effect(rule), rule)}
        return _page(request, context, RuleForm(instance=rule))
    keep_rule(rule)
    messages.info(request, f"Removed: {words_of(rule)['does']}. Channels are told.")
    return HttpResponseRedirect(reverse("stock-rules"), status=303)


def _fingerprint(rule: AvailabilityRule) -> str:
    """What the preview was of: another rule needs another look."""
    where = (rule.item_id, rule.category, rule.channel_id, rule.location_id)
    return repr((rule.pk, rule.knob, rule.value, rule.is_active, *where))


def _check(request: HttpRequest) -> None:
    if not may(request.user, Ability.EDIT_RULES):
        raise PermissionDenied("Needs the ops or admin role to change a rule.")


def _rule(rule_id: int) -> AvailabilityRule:
    rows = AvailabilityRule.objects.select_related("item", "channel", "location")
    return get_object_or_404(rows, pk=rule_id, is_active=True)


def _effect(draft: AvailabilityRule) -> Effect:
    """What would change if `draft` stood in the place of the row it comes from."""
    known = rules_in_force()
    others = [rule for rule in known if rule.id != draft.pk]
    # A new row is the newest of equals.
    newest = max((rule.id for rule in known), default=0) + 1
    made = Rule(
        draft.pk or newest,
        Knob(draft.knob),
        draft.value,
        draft.item_id,
        draft.category,
        draft.channel_id,
        draft.location_id,
    )
    touched = [made, *(rule for rule in known if rule.id == draft.pk)]
    after = RuleBook([*others, made] if draft.is_active else others)
    return effect_of(before=RuleBook(known), after=after, touched=touched, at=timezone.now())


def _previewed(effect: Effect, rule: AvailabilityRule) -> dict[str, Any]:
    items = Item.objects.in_bulk([change.item_id for change in effect.sample])
    channels = Channel.objects.in_bulk([change.channel_id for change in effect.sample])
    return {
        "effect": effect,
        "draft": words_of(rule),
        "seen": _fingerprint(rule),
        "changes": [
            {
                "sku": items[change.item_id].sku,
                "href": item_href(items[change.item_id].sku, change.item_id),
                "channel": channels[change.channel_id].name,
                "before": change.before,
                "after": change.after,
                "difference": change.after - change.before,
            }
            for change in effect.sample
        ],
    }
