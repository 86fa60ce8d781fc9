"""Ways to look at the queue that somebody keeps."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from exceptions.models.ownership import Team
from retailhub.kernel.models import Timestamped


class SavedView(Timestamped):
    """A name for a tab with its filters. `query` is the canonical end of the queue's address."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="saved_views",
        db_index=False,
    )
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500)
    team = models.ForeignKey(
        Team,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Its members may open this view. What they see in it is what they may see.",
    )
    position = models.PositiveIntegerField()
    is_default = models.BooleanField(default=False, help_text="The queue opens with it.")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["owner", "name"], name="exceptions_view_name_once_per_person"
            ),
            models.UniqueConstraint(
                fields=["owner"],
                condition=Q(is_default=True),
                name="exceptions_view_one_default_per_person",
            ),
            # Two views may change places in one statement; the check waits for its end.
            models.UniqueConstraint(
                fields=["owner", "position"],
                name="exceptions_view_one_place_each",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(condition=~Q(name=""), name="exceptions_view_has_a_name"),
        )

    def __str__(self) -> str:
        return self.name
