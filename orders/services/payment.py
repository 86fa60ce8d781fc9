"""The money went away, or came back, while nodes work on an order: stop what can be stopped."""

from __future__ import annotations

from datetime import datetime

from orders.errors import PaymentLost
from orders.lifecycle import OrderState
from orders.models import Order, Shipment
from orders.services.cancel import ask_nodes_to_stop
from orders.services.hold import hold_order, resume_order
from orders.services.lines import PAYMENT_LOST, RELEASABLE


def follow_payment(order: Order, *, now: datetime) -> None:
    """Hold a locked, placed `order` whose payment is gone, and let it go on when it is back.

    Nodes are asked to stop. What has left is named for a person; all of it gone and the money given
    back is a return like any other.
    """
    if order.financial_status not in PAYMENT_LOST:
        if order.held_for == PaymentLost.code and order.financial_status in RELEASABLE:
            resume_order(order, now=now)
        return
    is_return = order.state == OrderState.SHIPPED and order.financial_status == "REFUNDED"
    if is_return:
        return
    ask_nodes_to_stop(order)
    # What was stopped at once was written on another copy of the row.
    order.refresh_from_db(fields=["state", "customer_status", "held_for", "hold_detail"])
    if order.state != OrderState.ACCEPTED:
        say_payment_lost(order, now=now)


def say_payment_lost(order: Order, *, now: datetime) -> None:
    """Hold a locked `order` for its payment, naming what has left so far."""
    parcels = Shipment.objects.filter(fulfillment_order__order=order).order_by("pk")
    left = [
        f"{parcel.carrier} {parcel.tracking_number}".strip() or f"parcel {parcel.external_id}"
        for parcel in parcels
    ]
    what = f"Already left: {', '.join(left)}." if left else "Nothing has left yet."
    status = order.financial_status.lower()
    hold_order(order, PaymentLost(f"The payment of {order.number} is {status}. {what}"), now=now)
