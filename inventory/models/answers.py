"""What was answered first, so that whoever asks again hears the same."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now


class ReservationAnswer(models.Model):
    """The first answer to a request about reservations, a refusal included. Never changed.

    `name` is the idempotency key the request came with or the reference it gave a hold, within
    what `owner` may name. `fingerprint` tells the same request from another under that name.
    """

    pk = models.CompositePrimaryKey("owner", "name")
    owner = models.CharField(max_length=60)
    name = models.CharField(max_length=220)
    fingerprint = models.CharField(max_length=32)
    answer = models.JSONField()
    answered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = (
            # The clock that forgets the oldest; rows lie in this order.
            BrinIndex(fields=["answered_at"], name="inventory_answer_by_moment"),
        )

    def __str__(self) -> str:
        return f"{self.owner}: {self.name}"
