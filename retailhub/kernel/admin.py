"""What do the admin's pages share? One's own teams' rows, records nobody edits, bounded counts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from simple_history.admin import SimpleHistoryAdmin

from retailhub.kernel.roles import Ability, may

if TYPE_CHECKING:
    Page = admin.ModelAdmin[Any]
else:
    Page = admin.ModelAdmin  # not generic when it runs

Visible = Callable[[Any], QuerySet[Any]]
MOST_COUNTED = 1_000


def _nothing(_: Any) -> QuerySet[Any]:
    raise LookupError("retailhub/admin.py has not said who sees which connections")


_visible: list[Visible] = [_nothing]


def scope_by(visible: Visible) -> None:
    """Say which connections a person may see. Called once, by the composition root."""
    _visible[0] = visible


class ScopedAdmin(Page):
    """Only rows of connections one may see: in lists, pages, choices, filters and autocompletes.

    `scope` is the path from a row to its connection; `pk` where the row is one; empty for rows that
    belong to nobody.
    """

    scope = "connection"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """What this person may see. Everything else is as if it were not there."""
        rows = super().get_queryset(request)
        if not self.scope or may(request.user, Ability.SEE_EVERYTHING):
            return rows
        return rows.filter(**{f"{self.scope}__in": _visible[0](request.user).values("pk")})

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only what the other page would show may be chosen, or sent by hand."""
        self._narrow(db_field, request, kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The same for several."""
        self._narrow(db_field, request, kwargs)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _narrow(self, db_field: Any, request: HttpRequest, kwargs: dict[str, Any]) -> None:
        related = self.admin_site._registry.get(db_field.remote_field.model)
        if related is not None:
            kwargs.setdefault("queryset", related.get_queryset(request))


class OwnFilter(admin.RelatedFieldListFilter):
    """A filter that offers what the other page would show, found without reading this list."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> Any:
        """Names in their order."""
        related = model_admin.admin_site._registry.get(field.remote_field.model)
        rows = related.get_queryset(request).order_by("name") if related else []
        return [(str(row.pk), str(row)) for row in rows]


class BoundedPaginator(Paginator):  # type: ignore[type-arg] # takes no [] at run time
    """Counts no further than anybody pages: a count of everything reads everything."""

    @cached_property
    def count(self) -> int:
        """Rows, or `MOST_COUNTED` if there are more."""
        rows: Any = self.object_list
        return int(rows[:MOST_COUNTED].count())


class RecordAdmin(ScopedAdmin):
    """What happened: looked at, never edited. Searched by whole names, which the indexes know."""

    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 50
    ordering = ("-pk",)
    actions = None
    exact_search: tuple[str, ...] = ()
    search_help_text = "A whole id, key, number, reference or trace id."

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """What makes the search box appear."""
        return self.exact_search

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows that carry exactly this name."""
        term = search_term.strip()
        if not term:
            return queryset, False
        named = Q(pk__in=())
        for path in self.exact_search:
            if _fits(path, term):
                named |= Q(**{path: term})
        return queryset.filter(named), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


def changed_columns(form: Any) -> list[str]:
    """Which columns a form wants to change; not its own fields, not what is as it was."""
    columns = {field.name for field in form.instance._meta.concrete_fields}
    return [name for name in form.changed_data if name in columns]


def _fits(path: str, term: str) -> bool:
    if path.endswith("pk"):
        return term.isascii() and term.isdecimal() and len(term) < 19
    if not path.endswith("trace_id"):
        return True
    try:
        UUID(term)
    except ValueError:
        return False
    return True


class HistoryAdmin(SimpleHistoryAdmin, ScopedAdmin):  # type: ignore[misc]
    """Shows who changed which field, from what to what. The past is looked at, never put back."""

    object_history_list_template = "admin/changes.html"

    def revert_disabled(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Always: putting an old version back would go around the services."""
        return True

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The changes of a row that one may see."""
        self._must_see(request, object_id)
        answer: HttpResponse = super().history_view(request, object_id, extra_context)
        return answer

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One old version. The package saves what is posted here, whatever its button says."""
        if request.method != "GET":
            raise PermissionDenied
        self._must_see(request, object_id)
        answer: HttpResponse = super().history_form_view(
            request, object_id, version_id, extra_context
        )
        return answer

    def _must_see(self, request: HttpRequest, object_id: str) -> None:
        # The package falls back to the history itself, which knows no scope.
        if self.get_object(request, object_id) is None:
            raise Http404


class AdminsOnly(Page):
    """People, teams and rules: whoever may change these may see everything."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """For admins."""
        return bool(request.user.is_active and request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """For admins."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """For admins."""
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """For admins."""
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """For admins."""
        return self.has_module_permission(request)


class NeverDeleted(Page):
    """What orders and messages point at is switched off, not deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False
