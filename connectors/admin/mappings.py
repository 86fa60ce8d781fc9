"""Mapping tables: what other systems call our things."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from connectors.models import CodeMapping
from connectors.services.keep_mapping import keep_mapping
from inventory.selectors import items_by_sku, locations_by_code
from retailhub.kernel.admin import HistoryAdmin, OwnFilter

# Tables whose right side must be something we have.
_KNOWN = {
    CodeMapping.Table.SKU: (items_by_sku, "There is no item {code}."),
    CodeMapping.Table.LOCATION: (locations_by_code, "There is no location {code}."),
}


class CodeMappingForm(forms.ModelForm):  # type: ignore[type-arg] # takes no [] at run time
    """A row; our side of it must exist."""

    class Meta:
        model = CodeMapping
        fields = ("connection", "table", "external_code", "canonical_code", "direction")
        labels = {"external_code": "Their code", "canonical_code": "Our code"}
        help_texts = {
            "direction": "A shop's codes are read as ours, an ERP is told its own; both, if one "
            "code there is one code here.",
        }

    def clean(self) -> dict[str, Any]:
        """Refuse a code that leads nowhere: what waits would stop again at once."""
        cleaned = super().clean() or {}
        table, code = cleaned.get("table") or self.instance.table, cleaned.get("canonical_code")
        if code and table in _KNOWN:
            find, told = _KNOWN[CodeMapping.Table(table)]
            if code not in find({code}):
                self.add_error("canonical_code", told.format(code=code))
        return cleaned


@admin.register(CodeMapping)
class CodeMappingAdmin(HistoryAdmin):
    """Rows of all tables. Saving one frees what waits for it."""

    form = CodeMappingForm
    list_display = (
        "external_code",
        "canonical_code",
        "direction",
        "table",
        "connection",
        "updated_at",
    )
    list_filter = ("table", "direction", ("connection", OwnFilter))
    list_select_related = ("connection",)
    search_fields = ("external_code", "canonical_code")
    ordering = ("connection", "table", "external_code")
    autocomplete_fields = ("connection",)
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: CodeMapping | None = None) -> Any:
        """A row stays in its table."""
        return ("connection", "table") if obj else ()

    def save_model(
        self, request: HttpRequest, obj: CodeMapping, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Through the service, which takes again what waited for this row."""
        keep_mapping(obj)
