"""Orders as they are on record, without who bought. They are worked on in the console."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html

from orders.models import Order
from retailhub.kernel.admin import OwnFilter, RecordAdmin
from retailhub.kernel.money import format_money


@admin.register(Order)
class OrderAdmin(RecordAdmin):
    """One row per order, newest first."""

    scope = "channel__connection"
    list_display = ("number", "channel", "state", "held_for", "total_told", "placed_at")
    list_filter = ("state", ("channel", OwnFilter), "is_test")
    list_select_related = ("channel",)
    exact_search = ("number", "reference", "external_id", "trace_id")
    fields = (
        "channel", "number", "reference", "external_id", "state", "is_partial", "held_for",
        "hold_detail", "financial_status", "customer_status", "is_test", "total_told",
        "placed_at", "accepted_at", "version_at", "cancelled_at", "cancel_reason", "delivered_at",
        "destination", "shipping_method", "sourcing_told", "trace_id",
    )  # fmt: skip

    @admin.display(description="Total", ordering="total")
    def total_told(self, row: Order) -> str:
        """With its currency."""
        return format_money(row.total, row.currency)

    @admin.display(description="Goes to")
    def destination(self, row: Order) -> str:
        """As much of the address as says nothing of the person."""
        address = row.ship_to or {}
        places = (address.get("city"), address.get("region"), address.get("country_code"))
        return ", ".join(str(place) for place in places if place) or "–"

    @admin.display(description="Why these nodes")
    def sourcing_told(self, row: Order) -> str:
        """The explanation, step by step."""
        return format_html("<pre>{}</pre>", "\n".join(str(step) for step in row.sourcing) or "–")
