"""Keys of the API: made here, shown once, switched off here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from connectors.models import ApiKey
from connectors.services.api_keys import Scope, check_takes_orders, create_api_key, switch_off
from retailhub.kernel.admin import HistoryAdmin, NeverDeleted, changed_columns
from retailhub.kernel.errors import NeedsOperator

_SCOPES = [
    (Scope.ORDERS_READ.value, "Read orders and their journeys"),
    (Scope.ORDERS_WRITE.value, "Place orders (custom shops)"),
    (Scope.CASES_READ.value, "Read cases"),
    (Scope.CASES_WRITE.value, "Act on cases for people: claim, note, resolve and the like"),
    (Scope.REPLAYS_READ.value, "Read replays, and try what a message would do"),
    (Scope.REPLAYS_WRITE.value, "Start replays of many, and steer them"),
    (Scope.STOCK_READ.value, "Read stock: what may be sold, movements, what was told"),
    (Scope.STOCK_WRITE.value, "Write stock: files of what was counted"),
    (Scope.STOCK_RESERVE.value, "Reserve stock, and commit, release or move what it reserved"),
]


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg] # takes no [] at run time
    """A key's name and what it may do."""

    scopes = forms.MultipleChoiceField(choices=_SCOPES, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ApiKey
        fields = ("connection", "name", "scopes", "expires_at", "is_active")

    def clean(self) -> dict[str, Any]:
        """A key that could never do what it is for is refused here already."""
        cleaned = super().clean() or {}
        connection = cleaned.get("connection") or getattr(self.instance, "connection", None)
        if connection is not None and Scope.ORDERS_WRITE in cleaned.get("scopes", ()):
            try:
                check_takes_orders(connection)
            except NeedsOperator as error:
                self.add_error("scopes", ValidationError(str(error)))
        return cleaned


@admin.register(ApiKey)
class ApiKeyAdmin(NeverDeleted, HistoryAdmin):
    """Who may call the API, for which connection, until when."""

    form = ApiKeyForm
    list_display = (
        "name",
        "connection",
        "prefix",
        "granted",
        "expires_at",
        "last_used_at",
        "is_active",
    )
    list_filter = ("is_active",)
    list_select_related = ("connection",)
    search_fields = ("name", "prefix", "connection__name")
    ordering = ("name",)
    autocomplete_fields = ("connection",)
    actions = ("switch_off_selected",)

    @admin.display(description="May")
    def granted(self, row: ApiKey) -> str:
        """Its scopes."""
        return ", ".join(row.scopes)

    @admin.action(description="Switch off selected keys", permissions=["change"])
    def switch_off_selected(self, request: HttpRequest, rows: QuerySet[ApiKey]) -> None:
        """End them at once."""
        for row in rows.order_by("pk"):
            switch_off(key_id=row.pk)
            self.log_change(request, row, "Switched off")
        messages.success(request, "The keys are switched off.")

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """A new key gets its prefix and digest by itself."""
        fields = ("connection", "name", "scopes", "expires_at")
        return (*fields, "is_active", "prefix", "created_at", "last_used_at") if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """A key speaks for one connection, for ever."""
        return ("connection", "prefix", "created_at", "last_used_at") if obj else ()

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Nobody filters by the digest, character by character."""
        return not lookup.startswith("digest") and super().lookup_allowed(lookup, value, request)

    def save_model(
        self, request: HttpRequest, obj: ApiKey, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Make the key through its service; keep the clear text for this one answer."""
        if change:
            columns = changed_columns(form)
            if columns:
                obj.save(update_fields=[*columns, "updated_at"])
            return
        issued = create_api_key(
            connection_id=obj.connection_id,
            name=obj.name,
            scopes=form.cleaned_data["scopes"],
            expires_at=obj.expires_at,
        )
        obj.pk, obj.prefix = issued.row.pk, issued.row.prefix
        # Not on the admin, which serves everybody: it ends with this request.
        request.issued_key = issued.plain  # type: ignore[attr-defined] # ours

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show it now. No redirect: a message that waits for another page waits in a cookie."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{obj.name} is ready",
            "key": obj,
            "plain": request.issued_key,  # type: ignore[attr-defined] # ours, of save_model
        }
        return TemplateResponse(request, "admin/connectors/apikey/issued.html", context)
