"""Files of stock: what each said, what became of its rows, and how it differs from the last one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from connectors.models import Connection
from exceptions.rows import StateWord, duration
from exceptions.selectors import visible_connections
from inventory.models import SnapshotRun
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import whole_number

PAGE = 60
_State = SnapshotRun.State
_WORDS = {
    _State.READY: StateWord("ready", "Waiting", "gray", "clock"),
    _State.RUNNING: StateWord("running", "Running", "teal", "replay"),
    _State.APPLIED: StateWord("applied", "Applied", "green", "check"),
    _State.HELD: StateWord("held", "Held", "orange", "pause"),
    _State.FAILED: StateWord("failed", "Failed", "red", "x"),
}
# What became of the rows of a file, and whether somebody should look.
_NUMBERS = (
    ("rows", "Rows", False),
    ("added", "Added", False),
    ("changed", "Changed", False),
    ("unchanged", "As we had it", False),
    ("outdated", "Older than what we know", False),
    ("unknown", "Unknown SKU, node or unit", True),
    ("rejected", "Can't be read", True),
    ("units", "Units in all", False),
)


def visible_runs(request: HttpRequest) -> QuerySet[SnapshotRun]:
    """Files of connections this person may see."""
    if may(request.user, Ability.SEE_EVERYTHING):
        return SnapshotRun.objects.all()
    return SnapshotRun.objects.filter(source__in=visible_connections(request.user).values("slug"))


@require_GET
def run_list(request: HttpRequest) -> HttpResponse:
    """Newest first; keyset paging."""
    runs = visible_runs(request)
    if (last := whole_number(request.GET.get("after", ""))) is not None:
        runs = runs.filter(pk__lt=last)
    found = list(runs.defer("samples", "unknown_codes").order_by("-pk")[: PAGE + 1])
    context = {
        "section": "inventory",
        "runs": [_row(run, _names(found)) for run in found[:PAGE]],
        "next_href": f"?after={found[PAGE - 1].pk}" if len(found) > PAGE else "",
    }
    return render(request, "inventory/run_list.html", context)


def _names(runs: list[SnapshotRun]) -> dict[str, str]:
    slugs = {run.source for run in runs}
    return dict(Connection.objects.filter(slug__in=slugs).values_list("slug", "name"))


def _row(run: SnapshotRun, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": run.pk,
        "href": reverse("stock-run", args=[run.pk]),
        "source": names.get(run.source, run.source),
        "state": _WORDS[_State(run.state)],
        "rows": run.rows,
        "moved": run.added + run.changed,
        "bad": run.unknown + run.rejected,
        "took": _took(run.duration),
        "at": run.created_at,
        "error": run.error,
    }


def _took(span: timedelta | None) -> str:
    if span is None:
        return ""
    seconds = span.total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else duration(span)


@require_GET
def run_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    """One file beside the one before it, with the rows that could not be taken."""
    run = get_object_or_404(visible_runs(request).select_related("previous"), pk=run_id)
    before = run.previous
    context = {
        "section": "inventory",
        "run": {**_row(run, _names([run])), "counted_at": run.counted_at, "size": run.size},
        "previous_href": reverse("stock-run", args=[before.pk]) if before else "",
        "previous_at": before.created_at if before else None,
        "numbers": [
            {
                "label": label,
                "now": getattr(run, name),
                "before": getattr(before, name) if before else None,
                "difference": getattr(run, name) - getattr(before, name) if before else None,
                "is_bad": is_bad and getattr(run, name) > 0,
            }
            for name, label, is_bad in _NUMBERS
        ],
        "samples": run.samples,
        "unknown": [(table, codes) for table, codes in sorted(run.unknown_codes.items()) if codes],
    }
    return render(request, "inventory/run_detail.html", context)
