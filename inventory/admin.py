"""Items, locations and channels: what can be sold, where it lies, through whom."""

from __future__ import annotations

from django.contrib import admin

from inventory.models import Channel, Item, Location
from retailhub.kernel.admin import HistoryAdmin, NeverDeleted, ScopedAdmin


@admin.register(Item)
class ItemAdmin(NeverDeleted, ScopedAdmin):
    """Items by our SKU. Other systems' spellings are code mappings."""

    scope = ""
    list_display = ("sku", "name", "is_active", "updated_at")
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
