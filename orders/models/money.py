"""What was given back."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models.order import Order, money


class Refund(models.Model):
    """Money returned to the customer by the channel, in `currency`."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="refunds")
    external_id = models.CharField(max_length=80)
    amount = money()
    currency = models.CharField(max_length=3)
    note = models.TextField(blank=True)
    refunded_at = models.DateTimeField()
    heard_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["order", "external_id"], name="orders_refund_recorded_once"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="orders_refund_is_never_negative"
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
