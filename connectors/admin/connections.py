"""Setting up a connection, and what can be done with one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode

from connectors.admin.forms import ConnectionForm
from connectors.admin.operations import pause_view, resume_view, test_view
from connectors.admin.secrets import SECRETS, secret_fields, typed_secrets
from connectors.models import Connection
from connectors.registry import LABELS
from connectors.services.credentials import store_credential
from retailhub.kernel.admin import HistoryAdmin, NeverDeleted, changed_columns

_STATE = ("health_told", "paused_told", "tested_told")
_POLICY = (
    "rate_per_second",
    "burst",
    "concurrency",
    "timeout_seconds",
    "settle_seconds",
    "poll_seconds",
)

_SILENCE = ("silence_minutes", "fallback", "fallback_percent")


@admin.register(Connection)
class ConnectionAdmin(NeverDeleted, HistoryAdmin):
    """Connections: their address, secrets and policy."""

    scope = "pk"
    form = ConnectionForm
    list_display = ("name", "system_name", "role", "health", "paused_told", "tested_told")
    list_filter = ("system", "role", "health", "is_active")
    list_select_related = ("channel",)
    search_fields = ("name", "slug", "base_url")
    ordering = ("name",)
    autocomplete_fields = ("channel",)
    readonly_fields = _STATE
    actions = ("pause_selected", "resume_selected")

    @admin.display(description="System", ordering="system")
    def system_name(self, row: Connection) -> str:
        """The system as people call it."""
        return LABELS.get(row.system, row.system)

    @admin.display(description="Health")
    def health_told(self, row: Connection) -> str:
        """The health, since when, and why."""
        since = timezone.localtime(row.health_since)
        return (
            f"{row.get_health_display()} since {since:%d %b %Y, %H:%M}. {row.health_detail}".strip()
        )

    @admin.display(description="Paused")
    def paused_told(self, row: Connection) -> str:
        """What is paused and why; a dash when nothing is."""
        parts = (("in", row.inbound_paused_at), ("out", row.outbound_paused_at))
        paused = " and ".join(name for name, at in parts if at)
        return f"{paused}: {row.pause_reason}".capitalize() if paused else "–"

    @admin.display(description="Tested", ordering="tested_at")
    def tested_told(self, row: Connection) -> str:
        """The last test of what is saved, and its checks."""
        if row.tested_at is None or not row.test_result:
            return "never"
        word = "works" if row.test_result.get("passed") else "failed"
        lines = format_html_join(
            "", "<li>{}: {}</li>", ((c[0], c[2]) for c in row.test_result.get("checks", ()))
        )
        at = timezone.localtime(row.tested_at)
        return format_html("{} {}<ul>{}</ul>", word.capitalize(), f"{at:%d %b %Y, %H:%M}", lines)

    @admin.action(description="Pause selected connections", permissions=["change"])
    def pause_selected(
        self, request: HttpRequest, rows: QuerySet[Connection]
    ) -> HttpResponseRedirect:
        """Ask for the reason first."""
        return self._ask(rows, "pause")

    @admin.action(description="Resume selected connections", permissions=["change"])
    def resume_selected(
        self, request: HttpRequest, rows: QuerySet[Connection]
    ) -> HttpResponseRedirect:
        """Say first what goes on."""
        return self._ask(rows, "resume")

    def _ask(self, rows: QuerySet[Connection], verb: str) -> HttpResponseRedirect:
        ids = urlencode({"id": sorted(rows.values_list("pk", flat=True))}, doseq=True)
        return HttpResponseRedirect(f"{reverse(f'admin:connectors_connection_{verb}')}?{ids}")

    def get_urls(self) -> list[URLPattern]:
        """The object tools' own addresses, before the one that takes any id."""
        wrap = self.admin_site.admin_view
        name = "connectors_connection_"
        return [
            path("pause/", wrap(lambda request: pause_view(self, request)), name=f"{name}pause"),
            path("resume/", wrap(lambda request: resume_view(self, request)), name=f"{name}resume"),
            path(
                "<path:object_id>/test/",
                wrap(lambda request, object_id: test_view(self, request, object_id)),
                name=f"{name}test",
            ),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        """Secrets appear once the system is known, that is after the first save."""
        system = "system" if obj is None else "system_name"
        first = ("name", "slug", system, "role", "channel", "base_url", "is_active")
        sets: list[Any] = [(None, {"fields": first})]
        if obj is not None and (secrets := SECRETS.get(obj.system)):
            sets.append(("Secrets", {"fields": tuple(secret.field for secret in secrets)}))
        sets.append(("How hard we push it", {"fields": _POLICY}))
        sets.append(("When its nodes are silent", {"fields": _SILENCE}))
        sets.append(("Settings of the system", {"fields": ("settings",)}))
        if obj is not None:
            sets.append(("State", {"fields": _STATE}))
        return sets

    def get_readonly_fields(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        """The system and the slug are part of addresses and of stored messages."""
        return (*_STATE, "system_name", "slug") if obj is not None else _STATE

    def get_prepopulated_fields(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        """A first proposal for the slug."""
        return {"slug": ("name",)} if obj is None else {}

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form with a field for each secret of the system."""
        if obj is not None and obj.pk is not None:
            # Without its choices: the system of a connection is read, not sent.
            fields: dict[str, forms.Field | None] = {**secret_fields(obj), "system": None}
            kwargs["form"] = type("ConnectionForm", (ConnectionForm,), fields)
        return super().get_form(request, obj, change, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Connection, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Write only what was changed: workers write the health of this row at the same time."""
        columns = changed_columns(form)
        if not change:
            super().save_model(request, obj, form, change)
        elif columns:
            obj.save(update_fields=[*columns, "updated_at"])
        for name, secret in typed_secrets(form.cleaned_data).items():
            store_credential(connection_id=obj.pk, name=name, secret=secret, now=timezone.now())
            told = (
                f"The {name.replace('_', ' ')} was replaced; the one before stays valid for a day."
            )
            messages.info(request, f"{told} Test it, then resume.")

    def response_add(
        self, request: HttpRequest, obj: Connection, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to the secrets."""
        if SECRETS.get(obj.system) and "_addanother" not in request.POST:
            messages.info(request, "Now its secrets, then a test.")
            return HttpResponseRedirect(
                reverse("admin:connectors_connection_change", args=[obj.pk])
            )
        return super().response_add(request, obj, post_url_continue)
