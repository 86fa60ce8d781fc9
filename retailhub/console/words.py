"""Our states in the words of the console."""

from __future__ import annotations

from exceptions.rows import StateWord
from orders.models import Order

PAYMENT_WORDS = {
    "": "Unknown",
    "PENDING": "Not paid yet",
    "AUTHORIZED": "Authorised",
    "PAID": "Paid",
    "PARTIALLY_PAID": "Partly paid",
    "PARTIALLY_REFUNDED": "Partly refunded",
    "REFUNDED": "Refunded",
    "VOIDED": "Voided",
    "EXPIRED": "Expired",
}

FULFILLMENT_WORDS = {
    "ACCEPTED": "Not placed",
    "RESERVED": "Promised",
    "ALLOCATED": "At the warehouse",
    "PICKED": "Picked",
    "PACKED": "Packed",
    "SHIPPED": "On its way",
    "DELIVERED": "Delivered",
    "RETURNED": "Returned",
    "RECONCILED": "Delivered",
    "CANCELLED": "Cancelled",
}

_COLORS = {
    "ACCEPTED": ("blue", "open"),
    "RESERVED": ("blue", "open"),
    "ALLOCATED": ("teal", "replay"),
    "PICKED": ("teal", "replay"),
    "PACKED": ("teal", "replay"),
    "SHIPPED": ("violet", "in"),
    "DELIVERED": ("green", "check"),
    "RECONCILED": ("green", "check"),
    "RETURNED": ("amber", "undo"),
    "CANCELLED": ("gray", "minus"),
}


def order_state_word(order: Order) -> StateWord:
    """The pill of an order. A hold speaks louder than the state."""
    if order.held_for:
        return StateWord("held", "On hold", "orange", "pause")
    color, icon = _COLORS[order.state]
    partly = "Partly " if order.is_partial else ""
    label = f"{partly}{order.state.lower() if partly else order.state.capitalize()}"
    return StateWord(order.state.lower(), label, color, icon)


HEALTH_WORDS = {
    "HEALTHY": StateWord("healthy", "Healthy", "green", "check"),
    "DEGRADED": StateWord("degraded", "Degraded", "amber", "alert"),
    "DOWN": StateWord("down", "Down", "red", "x"),
    "SIGN_IN": StateWord("sign-in", "Needs sign-in", "red", "alert"),
    "PAUSED": StateWord("paused", "Paused", "gray", "pause"),
}
