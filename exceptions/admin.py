"""Teams, the routing table, and cases as they are on record."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from connectors.masking import masked_json
from exceptions import hook_admin  # noqa: F401 - its pages are registered with these
from exceptions.models import (
    Absence,
    Calendar,
    CaseEvent,
    CauseEvent,
    ClosedDay,
    ExceptionCase,
    Expectation,
    ExpectationTemplate,
    LadderStep,
    OwnershipRule,
    RuleSet,
    SlaPolicy,
    Team,
    WorkingHours,
)
from exceptions.selectors import visible_cases
from exceptions.services.ladder import look_at_ladders_again
from exceptions.services.ownership import current_rules
from exceptions.services.rules import draft_rules
from retailhub.kernel.admin import (
    AdminsOnly,
    HistoryAdmin,
    NeverDeleted,
    OwnFilter,
    RecordAdmin,
)


class LadderInline(admin.TabularInline):  # type: ignore[type-arg] # takes no [] at run time
    """Who gets a case of the team while its time runs out."""

    model = LadderStep
    fk_name = "team"
    extra = 0
    autocomplete_fields = ("person", "to_team")
    ordering = ("percent",)


@admin.register(Team)
class TeamAdmin(AdminsOnly, NeverDeleted, HistoryAdmin):
    """Who works together, on which connections, and how cases are handed on."""

    inlines = (LadderInline,)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Cases that run already climb the changed ladder."""
        super().save_related(request, form, formsets, change)
        look_at_ladders_again(team_id=form.instance.pk, now=timezone.now())

    scope = ""
    list_display = ("name", "slug", "gives_in_turn", "capacity")
    search_fields = ("name", "slug")
    ordering = ("name",)
    autocomplete_fields = ("members", "connections")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(OwnershipRule)
class OwnershipRuleAdmin(AdminsOnly, HistoryAdmin):
    """The draft of the routing table. It routes once it was applied on the ownership page."""

    scope = ""
    list_display = ("__str__", "position", "team", "is_active")
    list_editable = ("position", "is_active")
    list_select_related = ("connection", "node", "team")
    search_fields = ("code_prefix", "team__name", "connection__name")
    ordering = ("position", "pk")
    autocomplete_fields = ("connection", "node", "team")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The draft, and where one sees who would move."""
        extra = {"title": "Draft of the ownership rules", "subtitle": None, **(extra_context or {})}
        if request.method == "GET" and draft_rules() != list(current_rules().rules):
            link = format_html('<a href="{}">who would move</a>', reverse("ownership"))
            text = "The draft differs from what routes now. See {} and apply it there."
            self.message_user(request, format_html(text, link), messages.WARNING)
        return super().changelist_view(request, extra)


@admin.register(Absence)
class AbsenceAdmin(AdminsOnly, HistoryAdmin):
    """Who is away: nothing new is given to them by itself."""

    scope = ""
    list_display = ("person", "begins_at", "ends_at")
    list_select_related = ("person",)
    ordering = ("-ends_at", "pk")
    autocomplete_fields = ("person",)


class WorkingHoursInline(admin.TabularInline):  # type: ignore[type-arg] # takes no [] at run time
    """When the calendar is open."""

    model = WorkingHours
    extra = 0
    ordering = ("weekday", "opens")


class ClosedDayInline(admin.TabularInline):  # type: ignore[type-arg] # takes no [] at run time
    """Own days off, beside the public holidays."""

    model = ClosedDay
    extra = 0
    ordering = ("day",)


@admin.register(Calendar)
class CalendarAdmin(AdminsOnly, HistoryAdmin):
    """Working hours and holidays. A change counts for deadlines that are set from then on."""

    scope = ""
    list_display = ("name", "time_zone", "country", "subdivision")
    search_fields = ("name",)
    ordering = ("name",)
    inlines = (WorkingHoursInline, ClosedDayInline)


@admin.register(SlaPolicy)
class SlaPolicyAdmin(AdminsOnly, NeverDeleted, HistoryAdmin):
    """How long what may take. The last match counts, for cases that open from then on."""

    scope = ""
    list_display = ("__str__", "position", "severity_from", "respond_minutes", "is_active")
    list_editable = ("position", "is_active")
    list_select_related = ("calendar",)
    ordering = ("position", "pk")
    autocomplete_fields = ("calendar",)


@admin.register(RuleSet)
class RuleSetAdmin(RecordAdmin, AdminsOnly):
    """Every version that ever routed, word for word."""

    scope = ""
    list_display = ("number", "applied_at", "applied_by")
    list_select_related = ("applied_by",)
    exact_search = ("number",)
    fields = ("number", "applied_at", "applied_by", "rules_told")

    @admin.display(description="Rules")
    def rules_told(self, row: RuleSet) -> str:
        """In the order they were read."""
        return format_html_join("", "<p>{}</p>", ((rule["text"],) for rule in row.rules))


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
        "title", "code", "detail", "severity", "state", "team", "team_reason", "is_pinned",
        "pinned_until", "owner",
        "connection", "inbound", "outbound", "order", "order_number", "value", "currency",
        "opened_at", "due_at", "wake_at", "closed_at", "resolution",
        "proof", "proof_text", "proof_at", "failed_again",
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


@admin.register(CauseEvent)
class CauseEventAdmin(RecordAdmin):
    """Who merged and split which causes."""

    scope = ""
    list_display = ("id", "verb", "cause", "other", "actor", "at")
    list_filter = ("verb",)
    list_select_related = ("cause", "other", "actor")
    exact_search = ("pk", "cause__pk", "other__pk", "actor__username")
    fields = ("verb", "cause", "other", "moved", "actor", "reason", "at", "takes_back")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lines between causes of which this person sees a case."""
        mine = visible_cases(request.user).values("cause")
        return super().get_queryset(request).filter(cause__in=mine)


@admin.register(CaseEvent)
class CaseEventAdmin(RecordAdmin):
    """Who did what to which case."""

    scope = ""
    list_display = ("id", "case", "verb", "actor", "at", "takes_back")
    list_filter = ("verb",)
    list_select_related = ("case", "actor", "takes_back")
    exact_search = ("pk", "case__pk", "case__order_number", "case__trace_id", "actor__username")
    fields = ("case", "verb", "actor", "text", "before", "after", "at", "takes_back")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Events of the cases this person sees."""
        mine = visible_cases(request.user).values("pk")
        return super().get_queryset(request).filter(case__in=mine)
