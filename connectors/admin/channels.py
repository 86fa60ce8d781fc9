"""Channels: through whom is sold, and what they hear of stock."""

from __future__ import annotations

from django import forms
from django.contrib import admin

from connectors.models import Connection
from connectors.registry import LABELS, MAY_ONLY_TELL, takes_stock
from inventory.models import Channel
from inventory.telling import Mode
from retailhub.kernel.admin import HistoryAdmin, NeverDeleted


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg] # takes no [] at run time
    """Nobody is told who can't be."""

    class Meta:
        model = Channel
        fields = "__all__"  # noqa: DJ007 - the admin page names what it shows

    def clean_publish_mode(self) -> str:
        """On only where somebody takes it."""
        mode: str = self.cleaned_data["publish_mode"]
        if mode == Mode.OFF:
            return mode
        connection: Connection | None = getattr(self.instance, "connection", None)
        if connection is None:
            raise forms.ValidationError(
                "No connection speaks for this channel yet. Save it switched off, set up its"
                " connection, then switch this on."
            )
        if not takes_stock(connection.system, connection.base_url):
            raise forms.ValidationError(_why_not(connection))
        return mode


def _why_not(connection: Connection) -> str:
    if connection.system in MAY_ONLY_TELL:
        return (
            f"{connection.name} has no address, so it can't be told. Give the connection the"
            " shop's address first, then switch this on."
        )
    return f"{LABELS[connection.system]} takes no stock from us. Leave this switched off."


@admin.register(Channel)
class ChannelAdmin(NeverDeleted, HistoryAdmin):
    """Where orders come from, and how it hears of stock."""

    scope = ""
    form = ChannelForm
    list_select_related = ("connection",)
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
