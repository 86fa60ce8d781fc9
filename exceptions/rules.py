"""A fix becomes a rule: offered after an edit, tried on real messages, listed, and taken back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from connectors.models import CorrectionRule, InboundMessage
from connectors.services.correct import newest_version
from connectors.services.make_rule import conditions_of, draft_rule, end_rule, make_rule
from connectors.services.preview_rule import Preview, preview_rule
from exceptions.body_form import rows_of, shown
from exceptions.editing import body_of
from exceptions.models import ExceptionCase
from exceptions.queue import loaded_cases
from exceptions.rows import person
from exceptions.selectors import others_like, visible_cases, visible_connections
from exceptions.services.select_cases import select_cases
from retailhub.kernel.changes import Change, changes, patch_of
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.json import read_json
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain

DEFAULT_LIFE = timedelta(days=14)
HOWS = (("equals", "is"), ("prefix", "begins with"), ("one_of", "is one of"))
MOST_SHOWN = 200


def _must_make_rules(request: HttpRequest) -> None:
    if not may(request.user, Ability.MAKE_RULES):
        raise PermissionDenied("Needs the lead role to make or end correction rules.")


@require_http_methods(["GET", "POST"])
def rule_offer(request: HttpRequest, case_id: int) -> HttpResponse:
    """Make a rule of the newest correction. `then` is preview or make."""
    case = get_object_or_404(loaded_cases(request), pk=case_id, inbound__isnull=False)
    _must_make_rules(request)
    message = InboundMessage.objects.select_related("connection").get(pk=case.inbound_id or 0)
    made = _correction(message)
    if not made:
        messages.info(request, "Correct the message first: a rule repeats what was corrected.")
        return HttpResponseRedirect(reverse("case-edit", args=[case.pk]), status=303)
    posted = request.POST if request.method == "POST" else None
    offer = Offer(made, _conditions(posted) if posted else conditions_of(made), _expiry(posted))
    try:
        draft = draft_rule(
            message=message,
            conditions=offer.conditions,
            patch=patch_of(made),
            expires_at=offer.expires_at,
            now=timezone.now(),
        )
        if posted and posted.get("then") == "make":
            if reason := plain(posted.get("reason", ""))[:500]:
                return _make(request, case, draft, reason)
            offer.error = "Say why, so that the next person knows."
        offer.preview = preview_rule(draft)
    except NeedsOperator as caught:
        offer.error = str(caught)
    return _offer_page(request, case, offer)


@dataclass
class Offer:
    """A rule that could be made: what it changes, when, until when, and what it would do."""

    changes: list[Change]
    conditions: list[dict[str, Any]]
    expires_at: datetime
    preview: Preview = field(default_factory=Preview)
    error: str = ""


def _offer_page(request: HttpRequest, case: ExceptionCase, offer: Offer) -> HttpResponse:
    context = {
        "section": "rules",
        "case": case,
        "error": offer.error,
        "conditions": [_shown(one) for one in offer.conditions],
        "hows": HOWS,
        "changed": rows_of(offer.changes),
        "expires": timezone.localtime(offer.expires_at).date().isoformat(),
        "reason": request.POST.get("reason", ""),
        "preview": _told(offer.preview),
        "others": _others(request, case).count(),
        "back_href": reverse("case", args=[case.pk]),
    }
    status = 422 if offer.error else 200
    return render(request, "exceptions/rule_form.html", context, status=status)


def _correction(message: InboundMessage) -> list[Change]:
    """What the newest version changed of what arrived."""
    newest = newest_version(message)
    try:
        arrived, now = (read_json(body_of(message, number)) for number in (1, newest))
    except NeedsOperator:
        return []
    return list(changes(arrived, now))


def _conditions(posted: Any) -> list[dict[str, Any]]:
    """Conditions as they were posted; a row without a path is left out."""
    rows = zip(posted.getlist("path"), posted.getlist("how"), posted.getlist("value"), strict=False)
    found = []
    for path, how, value in rows:
        if not path.strip():
            continue
        said: Any = [part.strip() for part in value.split("|")] if how == "one_of" else value
        found.append({"path": path.strip(), "how": how, "value": said or None})
    return found


def _expiry(posted: Any) -> datetime:
    """The end of the day that was chosen; by default a fortnight from now."""
    try:
        day = parse_date(posted.get("expires", "")) if posted else None
    except ValueError:
        day = None
    day = day or timezone.localdate() + DEFAULT_LIFE
    return timezone.make_aware(datetime.combine(day, time(23, 59)))


def _shown(condition: dict[str, Any]) -> dict[str, Any]:
    value = condition["value"]
    text = " | ".join(map(str, value)) if isinstance(value, list) else value
    return {**condition, "value": "" if text is None else text}


def _told(preview: Preview) -> dict[str, Any]:
    return {
        "looked_at": preview.looked_at,
        "matched": preview.matched,
        "stuck": preview.stuck,
        "stuck_matched": preview.stuck_matched,
        "would_read": len(preview.would_read),
        "samples": [{"key": key, "rows": rows_of(found)} for key, found in preview.samples],
    }


def _others(request: HttpRequest, case: ExceptionCase) -> Any:
    return others_like(case).filter(pk__in=visible_cases(request.user).values("pk"))


def _make(
    request: HttpRequest, case: ExceptionCase, draft: CorrectionRule, reason: str
) -> HttpResponse:
    rule = make_rule(draft=draft, owner_id=int(request.user.pk or 0), reason=reason)
    until = f"{timezone.localtime(rule.expires_at):%d %b %Y}"
    messages.info(request, f"Rule {rule.pk} corrects messages like this one until {until}.")
    if not request.POST.get("others") or not may(request.user, Ability.REPLAY_MANY):
        return HttpResponseRedirect(reverse("rule", args=[rule.pk]), status=303)
    try:
        scope = select_cases(
            _others(request, case), by=request.user, now=timezone.now(), cause_id=case.cause_id
        )
    except NeedsOperator:
        return HttpResponseRedirect(reverse("rule", args=[rule.pk]), status=303)
    return HttpResponseRedirect(reverse("replay-plan", args=[scope.pk]), status=303)


@require_GET
def rule_list(request: HttpRequest) -> HttpResponse:
    """The rules of the connections one may see, live ones first."""
    rules = (
        CorrectionRule.objects.filter(connection__in=visible_connections(request.user))
        .select_related("connection", "owner")
        .annotate(corrected=Count("hits"))
        .order_by("-is_active", "-pk")[:MOST_SHOWN]
    )
    rows = [_row(rule, rule.corrected) for rule in rules]
    return render(request, "exceptions/rule_list.html", {"section": "rules", "rows": rows})


def _row(rule: CorrectionRule, corrected: int) -> dict[str, Any]:
    is_live = rule.is_active and rule.expires_at > timezone.now()
    return {
        "id": rule.pk,
        "href": reverse("rule", args=[rule.pk]),
        "title": ", ".join(f"{step['path']} {_verb(step)}" for step in rule.patch)[:300],
        "connection": rule.connection.name,
        "topic": rule.topic,
        "owner": person(rule.owner),
        "reason": rule.reason,
        "is_live": is_live,
        "state": "Live" if is_live else "Ended" if not rule.is_active else "Expired",
        "expires_at": rule.expires_at,
        "corrected": corrected,
    }


def _verb(step: dict[str, Any]) -> str:
    return "is removed" if step["op"] == "remove" else f"becomes {shown(step.get('value'))}"


@require_GET
def rule_detail(request: HttpRequest, rule_id: int) -> HttpResponse:
    """One rule: what it asks, what it changes, and every message it touched."""
    rule = _get(request, rule_id)
    hits = rule.hits.select_related("message").order_by("-pk")
    context = {
        "section": "rules",
        "rule": _row(rule, rule.hits.count()),
        "conditions": [
            {**_shown(one), "how": dict(HOWS)[one["how"]]} for one in rule.conditions
        ],
        "steps": [{"path": step["path"], "text": _verb(step)} for step in rule.patch],
        "hits": [
            {"key": hit.message.key, "state": hit.message.state.lower(), "at": hit.at,
             "trace": hit.message.trace_id}
            for hit in hits[:MOST_SHOWN]
        ],
        "history": [
            {"at": row.history_date, "text": "Made" if row.history_type == "+" else "Changed",
             "by": person(row.history_user), "is_active": row.is_active}
            for row in rule.history.select_related("history_user").order_by("-history_date")[:50]
        ],
        "may_end": may(request.user, Ability.MAKE_RULES),
    }  # fmt: skip
    return render(request, "exceptions/rule_detail.html", context)


def _get(request: HttpRequest, rule_id: int) -> CorrectionRule:
    rules = CorrectionRule.objects.select_related("connection", "owner")
    return get_object_or_404(
        rules.filter(connection__in=visible_connections(request.user)), pk=rule_id
    )


@require_POST
def rule_end(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Take a rule back."""
    rule = _get(request, rule_id)
    _must_make_rules(request)
    end_rule(rule_id=rule.pk)
    messages.info(request, f"Rule {rule.pk} has ended. What it corrected is listed below.")
    return HttpResponseRedirect(reverse("rule", args=[rule.pk]), status=303)
