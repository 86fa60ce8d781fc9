"""What no node will send -> promised and placed anew."""

from __future__ import annotations

from datetime import datetime

from inventory.services.release import release_stock
from orders.errors import PartlyUnderWay
from orders.lifecycle import OrderState
from orders.models import Order, Shipment
from orders.services.timeline import advance


def place_again(order: Order, *, now: datetime) -> None:
    """Take a locked `order` that no node will send back to its first step.

    Raises `PartlyUnderWay` when a part has left or a node still works on one: a second release
    could then send the same goods twice.
    """
    is_worked_on = any(part.is_live for part in order.fulfillment_orders.order_by("pk"))
    if is_worked_on or Shipment.objects.filter(fulfillment_order__order=order).exists():
        raise PartlyUnderWay(
            f"Part of {order.number} is under way, so it can't be placed again as a whole."
        )
    references = [line.reference for line in order.lines.order_by("pk")]
    release_stock(references, trace_id=order.trace_id, now=now)
    advance(order, OrderState.ACCEPTED, "To be placed again", at=now).save()
    order.save(update_fields=["state", "customer_status", "updated_at"])
