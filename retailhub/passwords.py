"""Every new password leaves a line in the audit: who got it, by whom. Never the password."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models.signals import post_save
from simple_history.models import HistoricalRecords

# The admin's own pages about people write their line themselves.
_NOTED_BY_ITSELF = ("admin:auth_user_add", "admin:auth_user_password_change")


def install() -> None:
    """Called once, when Django is ready."""
    post_save.connect(_note, sender=User, dispatch_uid="note new passwords")


def _note(instance: User, created: bool, **_: Any) -> None:
    # Set by `set_password()` alone: a hash that is renewed at sign-in is no new password.
    if instance._password is None:  # type: ignore[attr-defined] # Django's own, untyped
        return
    request = getattr(HistoricalRecords.context, "request", None)
    if request is not None and request.resolver_match.view_name in _NOTED_BY_ITSELF:
        return
    by = request.user if request is not None and request.user.is_authenticated else instance
    LogEntry.objects.create(
        user_id=by.pk,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(instance.pk),
        object_repr=str(instance)[:200],
        action_flag=ADDITION if created else CHANGE,
        change_message="New password." if request is not None else "New password, by a command.",
    )
