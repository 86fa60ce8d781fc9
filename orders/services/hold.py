"""An order that must wait for a person, and the way out."""

from __future__ import annotations

from datetime import datetime

from orders.events import OrderHeld, OrderResumed
from orders.models import Order
from orders.services.timeline import event
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.events import publish


def hold_order(order: Order, error: NeedsOperator, *, now: datetime) -> None:
    """Stop a locked `order` for the reason in `error`. Holding again for the same is silent."""
    if order.held_for == error.code and order.hold_detail == str(error):
        return
    order.held_for, order.hold_detail = error.code, str(error)
    order.save(update_fields=["held_for", "hold_detail", "updated_at"])
    event(order, "held", f"On hold: {error}", at=now, code=error.code, **error.context).save()
    publish(OrderHeld(order_id=order.pk, code=error.code, detail=str(error), context=error.context))


def resume_order(order: Order, *, now: datetime) -> None:
    """Let a locked `order` go on. Nothing happens to one that is not held."""
    if not order.held_for:
        return
    code, order.held_for, order.hold_detail = order.held_for, "", ""
    order.save(update_fields=["held_for", "hold_detail", "updated_at"])
    event(order, "resumed", "No longer on hold", at=now, code=code).save()
    publish(OrderResumed(order_id=order.pk, code=code))
