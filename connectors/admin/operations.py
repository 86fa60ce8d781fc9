"""Test, pause and resume: what the buttons on a connection's page do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from connectors.admin.secrets import typed_secrets
from connectors.models import Connection
from connectors.services import probe
from connectors.services.pause import pause_connection, resume_connection

# A person waits for the answer.
LONGEST_TEST_SECONDS = 10.0


class PauseForm(forms.Form):
    """What to pause, and why."""

    inbound = forms.BooleanField(
        label="What comes in", required=False, initial=True, help_text="Kept, but not applied."
    )
    outbound = forms.BooleanField(
        label="What goes out", required=False, initial=True, help_text="Kept, but not sent."
    )
    reason = forms.CharField(
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="Shown to everybody who looks at it, e.g. Stocktaking until Monday.",
    )

    def clean(self) -> dict[str, Any]:
        """Something must be paused."""
        cleaned = super().clean() or {}
        if not cleaned.get("inbound") and not cleaned.get("outbound"):
            raise forms.ValidationError("Choose what to pause.")
        return cleaned


class ResumeForm(forms.Form):
    """Nothing to fill in: the page says what will happen."""


def pause_view(page: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """Ask for a reason, then pause."""
    rows = _chosen(page, request)
    form = PauseForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        effect = "Messages are still taken in and kept. Nothing is lost, and nothing goes on."
        return _confirm(page, request, rows, form, ("Pause", effect))
    cleaned = form.cleaned_data
    for row in rows:
        pause_connection(
            connection_id=row.pk,
            reason=cleaned["reason"],
            now=timezone.now(),
            inbound=cleaned["inbound"],
            outbound=cleaned["outbound"],
        )
        page.log_change(request, row, f"Paused: {cleaned['reason']}")
    return _done(request, rows, "paused")


def resume_view(page: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """Say what goes on, then resume."""
    rows = _chosen(page, request)
    if request.method != "POST":
        effect = "What waited goes on, oldest first, at the connection's own rate."
        return _confirm(page, request, rows, ResumeForm(), ("Resume", effect))
    for row in rows:
        resume_connection(connection_id=row.pk, now=timezone.now())
        page.log_change(request, row, "Resumed")
    return _done(request, rows, "resumed")


def test_view(page: admin.ModelAdmin[Any], request: HttpRequest, object_id: str) -> HttpResponse:
    """Try the values of the form that was sent, saved or not. The form stays open in its tab."""
    row = page.get_object(request, unquote(object_id))
    if row is None:
        raise Http404
    if not page.has_change_permission(request, row):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseRedirect(reverse("admin:connectors_connection_change", args=[row.pk]))
    form = page.get_form(request, row, change=True)(request.POST, instance=row)
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": f"Test of {row.name}",
        "connection": row,
        "form": form,
    }
    if form.is_valid():
        context |= _tested(row, form)
    status = 200 if form.is_valid() else 422
    return TemplateResponse(
        request, "admin/connectors/connection/test.html", context, status=status
    )


def _tested(row: Connection, form: forms.ModelForm[Any]) -> dict[str, Any]:
    now, typed = timezone.now(), typed_secrets(form.cleaned_data)
    unsaved = [str(form.fields[name].label).lower() for name in form.changed_data]
    if not unsaved:
        checks = probe.test_connection(connection_id=row.pk, now=now)
    else:
        row.timeout_seconds = min(row.timeout_seconds, LONGEST_TEST_SECONDS)
        checks = probe.check_connection(row, now=now, secrets=typed)
    what = f"Testing the new {', '.join(unsaved)} (not saved yet)." if unsaved else ""
    return {
        "what": what or "Testing what is saved.",
        "checks": checks,
        "passed": all(check.passed for check in checks),
    }


def _chosen(page: admin.ModelAdmin[Any], request: HttpRequest) -> Sequence[Connection]:
    """The connections named in the address that this person may see and change."""
    ids = [value for value in request.GET.getlist("id") if value.isdecimal() and len(value) < 19]
    rows = list(page.get_queryset(request).filter(pk__in=ids).order_by("name"))
    if not rows:
        raise Http404
    if not all(page.has_change_permission(request, row) for row in rows):
        raise PermissionDenied
    return rows


def _confirm(
    page: admin.ModelAdmin[Any],
    request: HttpRequest,
    rows: Sequence[Connection],
    form: forms.Form,
    words: tuple[str, str],
) -> HttpResponse:
    verb, effect = words
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": f"{verb} {_names(rows)}",
        "rows": rows,
        "form": form,
        "verb": verb,
        "effect": effect,
    }
    return TemplateResponse(request, "admin/connectors/connection/confirm.html", context)


def _done(request: HttpRequest, rows: Sequence[Connection], done: str) -> HttpResponse:
    messages.success(request, f"{_names(rows)} {'is' if len(rows) == 1 else 'are'} {done}.")
    if len(rows) == 1:
        return HttpResponseRedirect(
            reverse("admin:connectors_connection_change", args=[rows[0].pk])
        )
    return HttpResponseRedirect(reverse("admin:connectors_connection_changelist"))


def _names(rows: Sequence[Connection]) -> str:
    return rows[0].name if len(rows) == 1 else f"{len(rows)} connections"
