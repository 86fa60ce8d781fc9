"""Items, locations and channels: what can be sold, where it lies, through whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from inventory.models import AvailabilityRule, Channel, Item, ItemUnit, Location
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


@admin.register(Channel)
class ChannelAdmin(NeverDeleted, HistoryAdmin):
    """Where orders come from, and how it hears of stock."""

    scope = ""
    list_display = ("name", "code", "publish_mode", "slo_seconds")
    search_fields = ("name", "code")
    ordering = ("name",)
    filter_horizontal = ("locations",)
    readonly_fields = ("full_run_at",)
    fieldsets = (
        (None, {"fields": ("name", "code", "locations")}),
        (
            "What it hears of stock",
            {
                "fields": (
                    "publish_mode",
                    "publish_by_node",
                    "publish_threshold",
                    "publish_step",
                    "publish_percent",
                    "publish_wait_seconds",
                    "full_run_minutes",
                    "full_run_at",
                    "slo_seconds",
                )
            },
        ),
    )


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
