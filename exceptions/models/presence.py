"""Who has which case open?"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from exceptions.models.cases import ExceptionCase


class Presence(models.Model):
    """A case that is open in somebody's tab. Believed for as long as the tab keeps saying so."""

    tab = models.UUIDField(primary_key=True)
    case = models.ForeignKey(ExceptionCase, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    is_editing = models.BooleanField(default=False)
    since = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.person} at {self.case_id}"
