"""Who may sign in, as what, and whose rows an admin page shows."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils import timezone

from exceptions.selectors import visible_connections
from exceptions.services.leavers import release_work_of_leavers
from retailhub.kernel.admin import AdminsOnly, NeverDeleted, scope_by
from retailhub.kernel.roles import Role

scope_by(visible_connections)

admin.site.site_header = "RetailHub Admin"
admin.site.index_title = "Configuration"
admin.site.site_url = None  # the header leads back to the console already
admin.site.empty_value_display = "–"
# Roles are a table in the code; a group made by hand would mean nothing.
admin.site.unregister(Group)
admin.site.unregister(User)

_ROLES = [
    ("", "None: may sign in, sees nothing"),
    (Role.AGENT.value, "Agent: resolves stuck orders"),
    (Role.LEAD.value, "Lead: also ignores, replays many, edits mappings"),
    (Role.OPS.value, "Operations: sees everything, pauses and tests connections"),
    (Role.ADMIN.value, "Admin: configures everything, opens these pages"),
]


def role_of(user: User) -> str:
    """The user's role; empty for none."""
    names = set(user.groups.values_list("name", flat=True))
    return next((role.value for role in reversed(Role) if role.value in names), "")


class PersonForm(UserChangeForm):  # type: ignore[type-arg] # takes no [] at run time
    """A person and what they may do."""

    acting_id: int | None = None
    role = forms.ChoiceField(choices=_ROLES, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].initial = role_of(self.instance)

    def clean(self) -> dict[str, Any]:
        """Nobody saws off the branch they sit on: so there is always an admin."""
        cleaned = super().clean() or {}
        if self.instance.pk == self.acting_id and self.instance.is_superuser:
            if cleaned.get("role") != Role.ADMIN:
                self.add_error("role", "Ask another admin to take your own role away.")
            if not cleaned.get("is_active", True):
                self.add_error("is_active", "Ask another admin to switch you off.")
        return cleaned


class NewPersonForm(AdminUserCreationForm):  # type: ignore[type-arg] # takes no [] at run time
    """A new person with a role."""

    role = forms.ChoiceField(choices=_ROLES, required=False)


@admin.register(User)
class PersonAdmin(AdminsOnly, NeverDeleted, UserAdmin):  # type: ignore[type-arg] # takes no [] at run time
    """People and their roles. Who sees which connection is decided by teams."""

    form = PersonForm
    add_form = NewPersonForm
    list_display = ("username", "name", "role_told", "teams_told", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password", "is_active")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("May", {"fields": ("role", "teams_told")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "first_name", "last_name", "email", "role")}),
        ("Password", {"fields": ("usable_password", "password1", "password2")}),
    )
    readonly_fields = ("last_login", "date_joined", "teams_told")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With groups and teams, which every row shows."""
        return super().get_queryset(request).prefetch_related("groups", "teams")

    @admin.display(description="Name")
    def name(self, user: User) -> str:
        """First and last."""
        return user.get_full_name()

    @admin.display(description="Role")
    def role_told(self, user: User) -> str:
        """From the groups in hand."""
        return ", ".join(sorted(group.name for group in user.groups.all()))

    @admin.display(description="Teams")
    def teams_told(self, user: User) -> str:
        """Set on the teams' own pages."""
        return ", ".join(sorted(team.name for team in user.teams.all())) if user.pk else ""

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form, knowing who fills it in."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.acting_id = request.user.pk
        return form

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """A role is named, and the one before it: no other record has them."""
        said: Any = super().construct_change_message(request, form, formsets, add)
        if "role" not in form.changed_data:
            return said
        was, role = form["role"].initial or "none", form.cleaned_data["role"] or "none"
        if add:
            return [*said, {"added": {"name": "role", "object": role}}]
        names = said[0]["changed"]["fields"]
        names[names.index("role")] = f"role from {was} to {role}"
        return said

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Only admins open these pages, and they may do everything in them."""
        obj.is_staff = obj.is_superuser = form.cleaned_data.get("role") == Role.ADMIN
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            release_work_of_leavers(now=timezone.now())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The role is the one group among those that are roles."""
        super().save_related(request, form, formsets, change)
        user, role = form.instance, form.cleaned_data.get("role")
        user.groups.remove(*Group.objects.filter(name__in=[r.value for r in Role]))
        if role:
            user.groups.add(Group.objects.get_or_create(name=role)[0])
