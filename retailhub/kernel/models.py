"""What do most rows share?"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Timestamped(models.Model):
    """When a row was made and changed, by the database's clock. For people, never for logic."""

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        abstract = True
