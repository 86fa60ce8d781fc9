"""Systems of record: whose word counts for the stock of a node."""

from __future__ import annotations

from django.contrib import admin

from connectors.models import SystemOfRecord
from retailhub.kernel.admin import AdminsOnly, HistoryAdmin


@admin.register(SystemOfRecord)
class SystemOfRecordAdmin(AdminsOnly, HistoryAdmin):
    """A declaration binds every connection, so only who sees all of them makes one."""

    list_display = ("domain", "location", "connection", "policy", "updated_at")
    list_filter = ("domain", "policy")
    list_select_related = ("location", "connection")
    autocomplete_fields = ("location", "connection")
    fields = ("domain", "location", "connection", "policy", "note")
    ordering = ("domain", "location", "pk")
