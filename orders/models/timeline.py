"""What happened to an order, in the order we recorded it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from orders.models.order import Order


class OrderEvent(models.Model):
    """One fact of an order's journey. Append-only; a late event is history and moves nothing."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)
    text = models.CharField(max_length=300)
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12, blank=True)
    customer_status = models.CharField(max_length=40, blank=True)
    system = models.CharField(max_length=60, blank=True)
    data = models.JSONField(default=dict, blank=True)
    trace_id = models.UUIDField(null=True, blank=True)
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = (
            # Read by the order page.
            models.Index(fields=["order", "id"], name="orders_event_by_order"),
        )

    def __str__(self) -> str:
        return self.text
