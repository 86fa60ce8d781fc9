"""The page on which a stopped message is corrected: check it, save it, replay it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from connectors.models import InboundMessage
from connectors.services.correct import is_correctable, newest_version
from connectors.services.dry_run import DryRun, dry_run
from exceptions.body_form import BodyForm, on_top, rows_of, shown, three_ways
from exceptions.errors import VersionStale
from exceptions.models import ExceptionCase
from exceptions.presence import company_at
from exceptions.queue import loaded_cases
from exceptions.rows import person
from exceptions.selectors import others_like
from exceptions.services.edit_case import Correction, edit_case
from exceptions.walk import onward
from retailhub.kernel.errors import HubError, NeedsOperator, RetryLater
from retailhub.kernel.json import read_json
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain, whole_number


@dataclass
class Editor:
    """One message on the page: its case, its versions and the form."""

    case: ExceptionCase
    message: InboundMessage
    based_on: int
    newest: int
    form: BodyForm


def _case(request: HttpRequest, case_id: int) -> tuple[ExceptionCase, InboundMessage]:
    case = get_object_or_404(loaded_cases(request), pk=case_id, inbound__isnull=False)
    if not may(request.user, Ability.EDIT_ADDRESS):
        raise PermissionDenied("Needs the agent role to edit messages.")
    if case.inbound is None:
        raise PermissionDenied("There is no message here.")
    if not is_correctable(case.inbound.connection.system):
        raise PermissionDenied("EDI is not edited here: ask its sender to send it again.")
    return case, case.inbound


def body_of(message: InboundMessage, number: int) -> bytes:
    """The body of one version."""
    row = message.versions.filter(number=number).first()
    return bytes(row.body) if row is not None and row.body is not None else bytes(message.body)


def _editor(request: HttpRequest, case_id: int) -> Editor:
    case, message = _case(request, case_id)
    newest = newest_version(message)
    based_on = whole_number(request.POST.get("based_on", "")) or newest
    began_with = _readable(body_of(message, based_on))
    posted = {key: str(value) for key, value in request.POST.items()}
    system = message.connection.system
    form = BodyForm(system=system, began_with=began_with, user=request.user, posted=posted)
    return Editor(case, message, based_on, newest, form)


def _readable(body: bytes) -> Any:
    try:
        return read_json(body)
    except NeedsOperator:
        return {}  # it is not JSON at all: the whole of it must be written anew


@require_http_methods(["GET", "POST"])
def case_edit(request: HttpRequest, case_id: int) -> HttpResponse:
    """Correct the body: fields first, JSON below. `then` is check, save or replay."""
    editor = _editor(request, case_id)
    if request.method == "GET":
        return _page(request, editor)
    if not editor.form.error:
        editor.form.check_rights()
    if editor.form.error:
        return _page(request, editor, status=422)
    if request.POST.get("then") == "check":
        return _page(request, editor, told=_try(editor))
    return _save(request, editor)


def _try(editor: Editor) -> DryRun | RetryLater:
    try:
        found = dry_run(message_id=editor.message.pk, body=editor.form.body, now=timezone.now())
    except RetryLater as error:
        return error
    if isinstance(found.error, NeedsOperator):
        editor.form.refuse(found.error)
    return found


def _save(request: HttpRequest, editor: Editor) -> HttpResponse:
    reason = plain(request.POST.get("reason", ""))[:500]
    if not reason or not editor.form.changes:
        editor.form.error = (
            "Say why, so that the next person knows." if editor.form.changes
            else "Nothing was changed yet."
        )  # fmt: skip
        return _page(request, editor, status=422)
    is_replay = request.POST.get("then") == "replay"
    try:
        made = edit_case(
            case_id=editor.case.pk,
            actor_id=int(request.user.pk or 0),
            correction=Correction(
                body=editor.form.body,
                based_on=editor.based_on,
                reason=reason,
                places=", ".join(one.where for one in editor.form.changes)[:300],
            ),
            now=timezone.now(),
            replay=is_replay,
        )
    except VersionStale as error:
        return _meet(request, editor, error)
    except NeedsOperator as error:
        editor.form.refuse(error)
        return _page(request, editor, status=422)
    said = f"Version {made.number} is saved" + (" and sent." if is_replay else ".")
    messages.info(request, f"{said} What arrived is kept as version 1.")
    if may(request.user, Ability.MAKE_RULES) and others_like(editor.case).exists():
        return HttpResponseRedirect(reverse("rule-offer", args=[editor.case.pk]), status=303)
    return HttpResponseRedirect(onward(request, editor.case.pk, is_done=is_replay), status=303)


def _page(
    request: HttpRequest, editor: Editor, *, status: int = 200, told: Any = None, clash: Any = None
) -> HttpResponse:
    form, versions = editor.form, versions_of(editor.message)
    context = {
        "section": "queue",
        "case": editor.case,
        "form": form,
        "based_on": editor.based_on,
        "next_version": editor.newest + 1,
        "reason": request.POST.get("reason", ""),
        "locked": ""
        if may(request.user, Ability.EDIT_MONEY)
        else "Money fields need the lead role.",
        "changed": rows_of(form.changes),
        "told": outcome_of(told) if told is not None else None,
        "versions": versions,
        "clash": clash,
        "rival": (versions[0]["by"] or "Before you") if clash else "",
        "viewers": company_at(editor.case.pk, user=request.user, now=timezone.now()),
        "back_href": onward(request, editor.case.pk, is_done=False),
    }
    return render(request, "exceptions/case_edit.html", context, status=status)


def _meet(request: HttpRequest, editor: Editor, error: VersionStale) -> HttpResponse:
    """Somebody was quicker: show three ways, and go on from theirs with these changes on top."""
    mine, editor.newest = editor.form, newest_version(editor.message)
    theirs = _readable(body_of(editor.message, editor.newest))
    clash = three_ways(mine.began_with, theirs, mine.value)
    editor.form = BodyForm(system=mine.system, began_with=theirs, user=request.user)
    editor.form.value, editor.form.error = on_top(theirs, mine), str(error)
    editor.based_on = editor.newest
    return _page(request, editor, status=409, clash=clash)


def versions_of(message: InboundMessage) -> list[dict[str, Any]]:
    """Every version with its author and reason, newest first; the last one is what arrived."""
    rows = list(message.versions.select_related("author").order_by("-number"))
    newest = rows[0].number if rows else 1
    made = [
        {
            "number": row.number,
            "by": person(row.author),
            "reason": row.reason,
            "at": row.created_at,
            "is_current": row.number == newest,
        }
        for row in rows
    ]
    first = {"number": 1, "by": "", "reason": "As it arrived", "at": message.received_at}
    return [*made, {**first, "is_current": newest == 1}]


def outcome_of(found: DryRun | RetryLater) -> dict[str, Any]:
    """What a dry run said, for a page."""
    if isinstance(found, HubError):
        return {"error": str(found)}
    return {
        "error": str(found.error) if found.error else "",
        "ignored": found.ignored,
        "order": found.order,
        "is_new": found.is_new,
        "changes": rows_of(found.changes),
        "rules": found.rules,
        "owed": [
            {"to": one.connection, "key": one.effect_key, "payload": shown(one.payload)}
            for one in found.owed
        ],
    }


@require_GET
def case_try(request: HttpRequest, case_id: int) -> HttpResponse:
    """What a replay of the message would do, as it is now."""
    case = get_object_or_404(loaded_cases(request), pk=case_id, inbound__isnull=False)
    if not may(request.user, Ability.WORK_CASES):
        raise PermissionDenied("Needs the agent role to try a replay.")
    try:
        told: DryRun | RetryLater = dry_run(message_id=case.inbound_id or 0, now=timezone.now())
    except RetryLater as error:
        told = error
    context = {
        "section": "queue",
        "case": case,
        "told": outcome_of(told),
        "back_href": onward(request, case.pk, is_done=False),
    }
    return render(request, "exceptions/case_try.html", context)


@require_http_methods(["POST"])
def case_first_version(request: HttpRequest, case_id: int) -> HttpResponse:
    """Go back to what arrived; the corrections stay on record."""
    case, message = _case(request, case_id)
    try:
        based_on = whole_number(request.POST.get("based_on", "")) or newest_version(message)
        edit_case(
            case_id=case.pk,
            actor_id=int(request.user.pk or 0),
            correction=Correction(body=None, based_on=based_on, reason="Back to version 1"),
            now=timezone.now(),
        )
        messages.info(request, "Version 1, as it arrived, counts again.")
    except NeedsOperator as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("case-edit", args=[case.pk]), status=303)
