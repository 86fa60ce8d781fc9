"""Which node sends what, and what it has sent."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from inventory.models import Location
from orders.lifecycle import OrderState, RequestStatus, WorkStatus
from orders.models.order import Order, OrderLine
from retailhub.kernel.models import Timestamped


def choices(values: type[WorkStatus] | type[RequestStatus]) -> list[tuple[str, str]]:
    """Django choices from an enum of the lifecycle."""
    return [(value.value, value.value.replace("_", " ").capitalize()) for value in values]


class FulfillmentOrder(Timestamped):
    """Some lines of an order, placed at one node. `reference` is what the node calls us by."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="fulfillment_orders")
    location = models.ForeignKey(Location, on_delete=models.PROTECT)
    reference = models.CharField(max_length=170, unique=True)
    external_id = models.CharField(max_length=120, blank=True)
    work_status = models.CharField(
        max_length=12, choices=choices(WorkStatus), default=WorkStatus.OPEN
    )
    request_status = models.CharField(
        max_length=24, choices=choices(RequestStatus), default=RequestStatus.UNSUBMITTED
    )
    progress = models.CharField(max_length=12, default=OrderState.ALLOCATED)
    explanation = models.JSONField(default=list)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            # Read by the order page and by every event of a node.
            models.Index(fields=["order"], name="orders_fulfillment_by_order"),
        )

    def __str__(self) -> str:
        return self.reference

    @property
    def is_live(self) -> bool:
        return self.work_status not in {WorkStatus.CANCELLED, WorkStatus.INCOMPLETE}


class FulfillmentLine(models.Model):
    """Units of one order line at one node, and how many have gone."""

    fulfillment_order = models.ForeignKey(
        FulfillmentOrder, on_delete=models.CASCADE, related_name="lines"
    )
    order_line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="placements")
    quantity = models.PositiveIntegerField()
    shipped_quantity = models.PositiveIntegerField(default=0, db_default=0)
    short_quantity = models.PositiveIntegerField(
        default=0, db_default=0, help_text="The node can't find these; they will not come."
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(shipped_quantity__lte=F("quantity")),
                name="orders_fulfillmentline_ships_at_most_its_quantity",
            ),
            models.CheckConstraint(
                condition=Q(short_quantity__lte=F("quantity") - F("shipped_quantity")),
                name="orders_fulfillmentline_lacks_at_most_what_is_left",
            ),
            models.UniqueConstraint(
                fields=["fulfillment_order", "order_line"],
                name="orders_fulfillmentline_one_per_line_and_node",
            ),
        )

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"

    @property
    def left(self) -> int:
        """Units that have not gone."""
        return self.quantity - self.shipped_quantity

    @property
    def is_done(self) -> bool:
        """True when nothing of it is still to come."""
        return self.left == self.short_quantity


class Shipment(Timestamped):
    """A parcel that left a node. Keyed by the node's event, so it is recorded once."""

    fulfillment_order = models.ForeignKey(
        FulfillmentOrder, on_delete=models.CASCADE, related_name="shipments"
    )
    external_id = models.CharField(max_length=120)
    carrier = models.CharField(max_length=80, blank=True)
    tracking_number = models.CharField(max_length=120, blank=True)
    tracking_url = models.CharField(max_length=500, blank=True)
    shipped_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["fulfillment_order", "external_id"],
                name="orders_shipment_recorded_once",
            ),
        )
        indexes = (
            # Read by the search box.
            models.Index(fields=["tracking_number"], name="orders_shipment_by_tracking"),
        )

    def __str__(self) -> str:
        return self.tracking_number or self.external_id

    @property
    def reference(self) -> str:
        """Our name of the parcel in other systems."""
        return f"{self.fulfillment_order.reference}-S{self.pk}"


class ShipmentLine(models.Model):
    """Units of one order line in one parcel."""

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="parcels")
    quantity = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"
