"""The canonical order and its lines."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from inventory.models import Channel, Item
from orders.lifecycle import CUSTOMER_STATUS, OrderState
from orders.models.customer import Customer
from retailhub.kernel.models import Timestamped


def money() -> models.DecimalField[Any, Any]:
    """A column for money in the order's currency: 15 whole digits, 4 after the point."""
    return models.DecimalField(max_digits=19, decimal_places=4, default=0)


class Order(Timestamped):
    """One order of one channel. `reference` is what we call it everywhere outside.

    `state` moves by the table in `lifecycle.py`; `held_for` (a playbook code) stands beside it and
    stops the steps. Amounts are in `currency`, the shop's own.
    """

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="orders")
    external_id = models.CharField(max_length=80)
    reference = models.CharField(max_length=160, unique=True)
    number = models.CharField(max_length=80)
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT)
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value.capitalize()) for s in OrderState]
    )
    is_partial = models.BooleanField(default=False)
    held_for = models.CharField(max_length=80, blank=True, default="")
    hold_detail = models.TextField(blank=True, default="")
    financial_status = models.CharField(max_length=24, blank=True)
    customer_status = models.CharField(max_length=40, blank=True)
    is_test = models.BooleanField(default=False)

    currency = models.CharField(max_length=3)
    total = money()
    discount_total = money()
    shipping_total = money()
    tax_total = money()
    tip_total = money()
    duties_total = money()
    difference = money()
    difference_reason = models.CharField(max_length=200, blank=True)
    taxes_included = models.BooleanField(default=False)
    presentment_currency = models.CharField(max_length=3, blank=True)
    presentment_total = money()

    ship_to = models.JSONField(null=True, blank=True)
    bill_to = models.JSONField(null=True, blank=True)
    shipping_method = models.CharField(max_length=120, blank=True)
    tags = models.JSONField(default=list, blank=True)
    note = models.TextField(blank=True)
    reservation = models.CharField(
        max_length=120,
        blank=True,
        default="",
        db_default="",
        help_text="The hold of a basket that it takes over, as promises know it.",
    )
    extension = models.JSONField(default=dict, blank=True)

    placed_at = models.DateTimeField()
    version_at = models.DateTimeField(
        help_text="The channel's clock at the newest snapshot applied."
    )
    told_at = models.DateTimeField(
        null=True, help_text="When the channel told that snapshot: tells equal versions apart."
    )
    accepted_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=200, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    sourcing = models.JSONField(
        default=list, blank=True, help_text="Why these nodes, step by step."
    )
    trace_id = models.UUIDField()

    class Meta:
        constraints = (
            # The second guard behind the inbox key: a wrong key costs a log line, not an order.
            models.UniqueConstraint(
                fields=["channel", "external_id"], name="orders_order_known_once_per_channel"
            ),
            models.CheckConstraint(
                condition=Q(difference=0) | ~Q(difference_reason=""),
                name="orders_order_difference_has_a_name",
            ),
        )
        indexes = (
            # Read by the step runner: orders that are due for their next step.
            models.Index(
                fields=["id"],
                condition=Q(state__in=["ACCEPTED", "RESERVED"], held_for=""),
                name="orders_order_due_for_step",
            ),
            # Read by the sweep and by every count: orders that stock could serve by now.
            models.Index(
                fields=["id"],
                condition=Q(state="ACCEPTED", held_for="inventory.insufficient_stock"),
                name="orders_order_waits_for_stock",
            ),
            # Read by the search box and the order list.
            models.Index(fields=["number"], name="orders_order_by_number"),
            models.Index(fields=["-placed_at", "-id"], name="orders_order_newest_first"),
            models.Index(fields=["trace_id"], name="orders_order_by_trace"),
        )

    def __str__(self) -> str:
        return self.number

    @property
    def seen_by_customer(self) -> str:
        return CUSTOMER_STATUS[OrderState(self.state)]


class OrderLine(models.Model):
    """One line. Only goods (`item` set) are promised and shipped."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    external_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=12)
    item = models.ForeignKey(Item, null=True, blank=True, on_delete=models.PROTECT)
    sku = models.CharField(max_length=120, blank=True, help_text="As the channel spells it.")
    title = models.CharField(max_length=500, blank=True)
    quantity = models.PositiveIntegerField(help_text="As it was ordered and charged.")
    removed_quantity = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Taken off since, by edits and refunds in the shop."
    )
    unit_price = money()
    discount = money()
    tax = money()
    total = money()
    taxes = models.JSONField(default=list, blank=True)
    requires_shipping = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["order", "external_id"], name="orders_orderline_known_once_per_order"
            ),
        )

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku or self.title}"

    @property
    def reference(self) -> str:
        """What a promise and a node call this line."""
        return line_reference(self.order_id, self.external_id)

    @property
    def is_placed(self) -> bool:
        """True for a line that needs stock and a node."""
        return self.kind == "GOODS" and self.item_id is not None and self.wanted_quantity > 0

    @property
    def wanted_quantity(self) -> int:
        """Units the customer still expects."""
        return max(self.quantity - self.removed_quantity, 0)


def line_reference(order_id: int, external_id: str) -> str:
    """The reference of a line in reservations and at nodes."""
    return f"order:{order_id}:{external_id}"
