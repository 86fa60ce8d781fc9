"""Who buys, as each channel knows them."""

from __future__ import annotations

from django.db import models

from inventory.models import Channel
from retailhub.kernel.models import Timestamped


class Customer(Timestamped):
    """A buyer on one channel. Personal: shown masked, never logged."""

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="customers")
    external_id = models.CharField(max_length=80)
    name = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=320, blank=True)
    phone = models.CharField(max_length=80, blank=True)
    tags = models.JSONField(
        null=True, help_text="How the channel classes them, e.g. VIP. Empty: it does not say."
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["channel", "external_id"], name="orders_customer_known_once_per_channel"
            ),
        )

    def __str__(self) -> str:
        return f"customer {self.pk}"
