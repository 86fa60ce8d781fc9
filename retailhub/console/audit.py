"""The audit: who did what, when and why. Read by everybody as far as they see, never written."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import MAXYEAR, UTC, datetime, time, timedelta
from io import StringIO
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.views.decorators.http import require_GET, require_POST

from exceptions.activity import LINES
from exceptions.models import CaseEvent, Team
from exceptions.rows import person
from exceptions.services.erase import erase_text
from retailhub.console.acts import Act, Wanted, acts, kinds_for
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain, whole_number

PAGE = 60
EXPORTED_AT_ONCE = 500
_WORDS = {"create": "Made", "change": "Changed", "remove": "Removed", "apply": "Applied",
          "erase": "Erased", "merge": "Merged"}  # fmt: skip
_NAMES = ("who", "kind", "thing", "what", "since", "until")


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Newest first; keyset paging, so new acts never shift a page."""
    wanted, problem = _wanted(request.GET)
    found = acts(user=request.user, wanted=wanted, after=_after(request), most=PAGE + 1)
    page = found[:PAGE]
    names = _names(page)
    asked = {name: request.GET.get(name, "") for name in _NAMES}
    context = {
        "section": "audit",
        "asked": asked,
        "problem": problem,
        "is_narrowed": any(asked.values()),
        "kinds": kinds_for(request.user),
        "people": get_user_model().objects.order_by("username").only("username")[:500],
        "verbs": sorted({*LINES, *_WORDS}),
        "rows": [_row(act, names, request.user) for act in page],
        "next_href": _next_href(request.GET, found),
        "export_href": _export_href(request),
    }
    return render(request, "console/audit.html", context)


def _after(request: HttpRequest) -> str:
    return plain(request.GET.get("after", ""))


def _next_href(query: QueryDict, found: list[Act]) -> str:
    if len(found) <= PAGE:
        return ""
    query = query.copy()
    query["after"] = found[PAGE - 1].cursor
    return f"?{query.urlencode()}"


def _export_href(request: HttpRequest) -> str:
    if not may(request.user, Ability.EXPORT_AUDIT):
        return ""
    query = request.GET.copy()
    query.pop("after", None)
    return f"{reverse('audit-export')}?{query.urlencode()}"


def _wanted(query: Mapping[str, str]) -> tuple[Wanted, str]:
    """What an address asks for, and what of it can't be read. A day is one of this time zone."""
    asked = {name: plain(query.get(name, "")).strip() for name in _NAMES}
    wanted = Wanted(
        kind=asked["kind"],
        thing=_number(asked["thing"]),
        what=asked["what"],
        since=_midnight(asked["since"]),
        until=_midnight(asked["until"], days=1),
    )
    if not asked["who"]:
        return wanted, ""
    known = get_user_model().objects.filter(username=asked["who"]).values_list("pk", flat=True)
    who = known.first()
    if who is None:
        return replace(wanted, who=0), f"Nobody here is called “{asked['who']}”."
    return replace(wanted, who=who), ""


def _number(text: str) -> int | None:
    """The number of a thing; 0, which nothing has, for what is none."""
    return (whole_number(text.removeprefix("#")) or 0) if text else None


def _midnight(text: str, *, days: int = 0) -> datetime | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    if day is None or day.year >= MAXYEAR:
        return None
    return timezone.make_aware(datetime.combine(day + timedelta(days=days), time.min))


Names = dict[tuple[str, str], str]  # (what it is, its id) -> what one calls it
_OF_PEOPLE = ("owner", "person", "member")


def _names(page: list[Act]) -> Names:
    """Of everybody who acted, and of the people and teams that were changed."""
    ids: set[tuple[str, str]] = {("owner", str(act.who)) for act in page if act.who}
    ids |= {
        (what, pk) for act in page for what, *pair in act.changes for pk in pair if pk.isdigit()
    }
    users = get_user_model().objects.in_bulk([int(pk) for what, pk in ids if what in _OF_PEOPLE])
    teams = Team.objects.in_bulk([int(pk) for what, pk in ids if what == "team"])
    found = {("team", str(pk)): team.name for pk, team in teams.items()}
    return found | {(w, str(pk)): person(one) for pk, one in users.items() for w in _OF_PEOPLE}


def _row(act: Act, names: Names, user: Any) -> dict[str, Any]:
    is_erasable = act.kind == "case" and bool(act.text) and may(user, Ability.ERASE_TEXT)
    return {
        "act": act,
        "who": names.get(("owner", str(act.who)), "RetailHub"),
        "kind": kinds_for(user)[act.kind],
        "href": _href(act),
        "what": LINES[act.what][2] if act.what in LINES else _WORDS.get(act.what, act.what),
        "changes": [
            (what, *(names.get((what, one)) or _local(one) for one in pair))
            for what, *pair in act.changes
        ],
        "erase_url": reverse("audit-erase", args=[act.number]) if is_erasable else "",
    }


def _local(text: str) -> str:
    """A moment as the reader's clock shows it; anything else as it is."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return text
    if moment is None or timezone.is_naive(moment):
        return text
    return f"{timezone.localtime(moment):%d %b %Y %H:%M:%S}"


def _href(act: Act) -> str:
    names = {"case": "case", "cause": "cause", "erasure": "case", "replay": "replay-run"}
    return reverse(names[act.kind], args=[act.thing]) if act.kind in names else ""


@require_GET
def audit_export(request: HttpRequest) -> StreamingHttpResponse:
    """All that match as CSV, written while it is read: neither side holds more than a piece."""
    if not may(request.user, Ability.EXPORT_AUDIT):
        raise PermissionDenied("Needs the ops or admin role to export the audit.")
    wanted, _ = _wanted(request.GET)
    answer = StreamingHttpResponse(_lines(request.user, wanted), content_type="text/csv")
    answer["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return answer


async def _lines(user: Any, wanted: Wanted) -> AsyncIterator[str]:
    yield _csv([["at", "who", "kind", "id", "verb", "text", "changes", "API key"]])
    after = ""
    while page := await sync_to_async(_piece)(user, wanted, after):
        text, after = page
        yield text


def _piece(user: Any, wanted: Wanted, after: str) -> tuple[str, str] | None:
    found = acts(user=user, wanted=wanted, after=after, most=EXPORTED_AT_ONCE)
    if not found:
        return None
    users = get_user_model().objects.in_bulk({act.who for act in found if act.who})
    names = {pk: user.get_username() for pk, user in users.items()}
    return _csv([_cells(act, names) for act in found]), found[-1].cursor


def _cells(act: Act, names: Mapping[int, str]) -> list[str]:
    at = act.moment.astimezone(UTC).isoformat(timespec="milliseconds")
    changes = "; ".join(f"{name}: {old or '–'} → {new or '–'}" for name, old, new in act.changes)
    who = names.get(act.who or 0, "")
    return [at, who, act.kind, act.thing, act.what, act.text, changes, act.key]


def _csv(rows: list[list[str]]) -> str:
    text = StringIO()
    csv.writer(text).writerows([[_inert(cell) for cell in row] for row in rows])
    return text.getvalue()


def _inert(cell: str) -> str:
    # A spreadsheet would run what somebody typed into a note.
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


@require_POST
def audit_erase(request: HttpRequest, event_id: int) -> HttpResponse:
    """Remove the words of an act for good, because the law asks for it. The act stays."""
    if not may(request.user, Ability.ERASE_TEXT):
        raise PermissionDenied("Needs the admin role to erase what an act says.")
    event = get_object_or_404(CaseEvent, pk=event_id)
    reason = plain(request.POST.get("reason", "")).strip()
    if not reason:
        return HttpResponse("Say why it is erased: the reason stays on record.", status=422)
    erase_text(event_id=event.pk, actor_id=request.user.pk or 0, reason=reason, now=timezone.now())
    return HttpResponseRedirect(f"{reverse('audit')}?kind=case&thing={event.case_id}", status=303)
