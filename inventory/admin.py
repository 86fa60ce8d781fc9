"""Items, locations and rules: what can be sold, where it lies, what is kept back.

A channel's page is beside its connection's, which says whether it can be told anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from inventory.models import AvailabilityRule, Item, ItemUnit, Location
from inventory.services.keep_rule import keep_rule
from retailhub.kernel.admin import HistoryAdmin, NeverDeleted, ScopedAdmin

if TYPE_CHECKING:
    Inline = admin.TabularInline[ItemUnit, Item]
else:
    Inline = admin.TabularInline  # not generic when it runs


class ItemUnitInline(Inline):
    """Other units it is counted in."""

    model = ItemUnit
    extra = 0


@admin.register(Item)
class ItemAdmin(NeverDeleted, ScopedAdmin):
    """Items by our SKU. Other systems' spellings are code mappings."""

    scope = ""
    inlines = (ItemUnitInline,)
    list_display = ("sku", "name", "category", "unit", "is_active", "updated_at")
    list_filter = ("is_active",)
    search_fields = ("sku", "name")
    ordering = ("sku",)
    show_full_result_count = False


@admin.register(Location)
class LocationAdmin(NeverDeleted, ScopedAdmin):
    """Nodes, the one that ships first on top."""

    scope = ""
    list_display = ("code", "name", "priority", "is_active")
    list_editable = ("priority", "is_active")
    list_filter = ("is_active",)
    search_fields = ("code", "name")
    ordering = ("priority", "code")


@admin.register(AvailabilityRule)
class AvailabilityRuleAdmin(NeverDeleted, HistoryAdmin):
    """What channels are not told. The console's page shows first what a change does."""

    scope = ""
    list_display = ("__str__", "note", "is_active", "updated_at")
    list_filter = ("knob", "is_active")
    list_select_related = ("item", "channel", "location")
    search_fields = ("item__sku", "category", "note")
    autocomplete_fields = ("item", "channel", "location")
    ordering = ("-pk",)
    show_full_result_count = False

    def save_model(
        self, request: HttpRequest, obj: AvailabilityRule, form: Any, change: bool
    ) -> None:
        """Through the service, so that those who publish hear of it."""
        keep_rule(obj)
