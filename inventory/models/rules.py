"""What a channel is not told, and why: one row per knob and place where it is turned."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from inventory.availability import Knob
from inventory.models.catalog import Channel, Item, Location
from retailhub.kernel.models import Timestamped


class AvailabilityRule(Timestamped):
    """One knob of the available-to-sell sum. Empty columns match anything; the most specific wins.

    Item beats category, category beats channel, channel beats location; the newest of equals wins.
    """

    knob = models.CharField(max_length=16, choices=[(k.value, k.label) for k in Knob])
    value = models.PositiveIntegerField(
        help_text="Units; for a share, percent; for the horizon, hours."
    )
    item = models.ForeignKey(Item, null=True, blank=True, on_delete=models.CASCADE)
    category = models.CharField(max_length=80, blank=True)
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.CASCADE)
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.CASCADE)
    note = models.CharField(max_length=200, blank=True, help_text="Why: shown in explanations.")
    is_active = models.BooleanField(default=True)

    history = HistoricalRecords(excluded_fields=["updated_at"])

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(knob="SHARE", value__gt=100),
                name="inventory_availabilityrule_a_share_is_at_most_everything",
            ),
            models.CheckConstraint(
                condition=Q(item=None) | Q(category=""),
                name="inventory_availabilityrule_names_an_item_or_a_category",
            ),
            models.CheckConstraint(
                condition=Q(location=None) | Q(knob__in=["SAFETY_STOCK", "HORIZON"]),
                name="inventory_availabilityrule_a_channel_knob_has_no_node",
            ),
        )

    def __str__(self) -> str:
        return f"{Knob(self.knob).label} {self.value} · {self.scope}"

    @property
    def scope(self) -> str:
        """Where it holds, in words."""
        parts = [
            self.item and f"item {self.item}",
            self.category and f"category {self.category}",
            self.channel and f"channel {self.channel}",
            self.location and f"node {self.location}",
        ]
        return ", ".join(str(part) for part in parts if part) or "everywhere"
