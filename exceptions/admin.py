"""Teams, the routing table, and cases as they are on record."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from connectors.masking import masked_json
from exceptions.models import (
    CaseEvent,
    ExceptionCase,
    Expectation,
    ExpectationTemplate,
    OwnershipRule,
    Team,
)
from exceptions.selectors import visible_cases
from retailhub.kernel.admin import (
    AdminsOnly,
    HistoryAdmin,
    NeverDeleted,
    OwnFilter,
    RecordAdmin,
)


@admin.register(Team)
class TeamAdmin(AdminsOnly, HistoryAdmin):
    """Who works together, and on which connections."""

    scope = ""
    list_display = ("name", "slug")
    search_fields = ("name", "slug")
    ordering = ("name",)
    autocomplete_fields = ("members", "connections")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(OwnershipRule)
class OwnershipRuleAdmin(AdminsOnly, HistoryAdmin):
    """The routing table, in the order it is read: the last match wins."""

    scope = ""
    list_display = ("__str__", "position", "connection", "code_prefix", "team", "is_active")
    list_editable = ("position", "is_active")
    list_select_related = ("connection", "team")
    search_fields = ("code_prefix", "team__name", "connection__name")
    ordering = ("position", "pk")
    autocomplete_fields = ("connection", "team")


@admin.register(ExpectationTemplate)
class ExpectationTemplateAdmin(AdminsOnly, NeverDeleted, HistoryAdmin):
    """What must happen, by when, and who gets the case if it does not."""

    scope = ""
    list_display = ("__str__", "opened_by", "met_by", "minutes", "severity", "team", "is_active")
    list_editable = ("minutes", "severity", "is_active")
    list_select_related = ("team",)
    search_fields = ("code", "title")
    ordering = ("pk",)
    autocomplete_fields = ("team",)
    readonly_fields = ("code", "opened_by", "met_by", "is_recurring")
    fields = (
        "code", "opened_by", "met_by", "title", "minutes", "severity", "team", "is_recurring",
        "is_active",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: a template without code that opens it would be a promise nobody keeps."""
        return False


@admin.register(Expectation)
class ExpectationAdmin(RecordAdmin):
    """What was expected, newest first."""

    list_display = (
        "id", "template", "subject", "connection", "opened_at", "due_at", "met_at", "voided_at",
        "raised_at",
    )  # fmt: skip
    list_filter = (("template", admin.RelatedOnlyFieldListFilter), ("connection", OwnFilter))
    list_select_related = ("template", "connection")
    exact_search = ("pk", "business_key", "order__number", "trace_id")
    fields = (
        "template", "business_key", "subject", "order", "connection", "minutes", "is_recurring",
        "opened_at", "due_at", "paused_at", "met_at", "met_by", "voided_at", "void_reason",
        "raised_at", "case", "trace_id",
    )  # fmt: skip


@admin.register(ExceptionCase)
class ExceptionCaseAdmin(RecordAdmin):
    """Cases, newest first. They are worked on in the console."""

    scope = ""  # cases of a team are seen by it, whatever their connection
    list_display = (
        "id",
        "title",
        "state",
        "severity",
        "order_number",
        "connection",
        "team",
        "owner",
        "due_at",
    )
    list_filter = ("state", "severity", ("connection", OwnFilter), ("team", OwnFilter))
    list_select_related = ("connection", "team", "owner")
    exact_search = ("pk", "order_number", "code", "order__reference", "trace_id")
    fields = (
        "title", "code", "detail", "severity", "state", "team", "team_reason", "owner",
        "connection", "inbound", "outbound", "order", "order_number", "value", "currency",
        "opened_at", "due_at", "wake_at", "closed_at", "resolution", "failed_again",
        "context_shown", "trace_id",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExceptionCase]:
        """The cases this person sees in the queue."""
        mine = visible_cases(request.user).values("pk")
        return super().get_queryset(request).filter(pk__in=mine)

    @admin.display(description="Context")
    def context_shown(self, row: ExceptionCase) -> str:
        """What the error knew."""
        return format_html("<pre>{}</pre>", masked_json(row.context))


@admin.register(CaseEvent)
class CaseEventAdmin(RecordAdmin):
    """Who did what to which case."""

    scope = ""
    list_display = ("id", "case", "verb", "actor", "at", "undone_at")
    list_filter = ("verb",)
    list_select_related = ("case", "actor")
    exact_search = ("pk", "case__pk", "case__order_number", "case__trace_id", "actor__username")
    fields = ("case", "verb", "actor", "text", "before", "after", "at", "undone_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Events of the cases this person sees."""
        mine = visible_cases(request.user).values("pk")
        return super().get_queryset(request).filter(case__in=mine)
