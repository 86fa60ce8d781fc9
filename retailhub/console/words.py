"""Our states in the words of the console."""

from __future__ import annotations

from exceptions.rows import StateWord
from inventory.models import Item
from orders.models import FulfillmentOrder, Order

# Our word, then the colour and icon it is shown with.
_PAYMENT = {
    "": ("Unknown", "gray", "open"),
    "PENDING": ("Not paid yet", "amber", "clock"),
    "AUTHORIZED": ("Authorised", "blue", "check"),
    "PAID": ("Paid", "green", "check"),
    "PARTIALLY_PAID": ("Partly paid", "amber", "clock"),
    "PARTIALLY_REFUNDED": ("Partly refunded", "amber", "undo"),
    "REFUNDED": ("Refunded", "gray", "undo"),
    "VOIDED": ("Voided", "gray", "minus"),
    "EXPIRED": ("Expired", "gray", "minus"),
}

_FULFILLMENT = {
    "ACCEPTED": ("Not placed", "gray", "open"),
    "RESERVED": ("Promised", "blue", "open"),
    "ALLOCATED": ("At the warehouse", "blue", "open"),
    "PICKED": ("Picked", "teal", "replay"),
    "PACKED": ("Packed", "teal", "replay"),
    "SHIPPED": ("On its way", "violet", "in"),
    "DELIVERED": ("Delivered", "green", "check"),
    "RETURNED": ("Returned", "amber", "undo"),
    "RECONCILED": ("Delivered", "green", "check"),
    "CANCELLED": ("Cancelled", "gray", "minus"),
}


def payment_word(order: Order) -> StateWord:
    """What the channel says of the money."""
    known = _PAYMENT.get(order.financial_status)
    label, color, icon = known or (order.financial_status.title(), "gray", "open")
    return StateWord(order.financial_status.lower(), label, color, icon)


def fulfillment_word(order: Order) -> StateWord:
    """How far the goods are."""
    label, color, icon = _FULFILLMENT[order.state]
    return StateWord(order.state.lower(), label, color, icon)


def node_state_word(row: FulfillmentOrder) -> StateWord:
    """How far one node is with its part."""
    if not row.is_live:
        return StateWord("stopped", row.get_work_status_display(), "gray", "minus")
    label, color, icon = _FULFILLMENT[row.progress]
    return StateWord(row.progress.lower(), label, color, icon)


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


def item_word(row: Item) -> StateWord:
    """Whether it is sold at all."""
    if row.is_active:
        return StateWord("active", "Sold", "green", "check")
    return StateWord("off", "Switched off", "gray", "minus")


HEALTH_WORDS = {
    "HEALTHY": StateWord("healthy", "Healthy", "green", "check"),
    "DEGRADED": StateWord("degraded", "Degraded", "amber", "alert"),
    "DOWN": StateWord("down", "Down", "red", "x"),
    "SIGN_IN": StateWord("sign-in", "Needs sign-in", "red", "alert"),
    "PAUSED": StateWord("paused", "Paused", "gray", "pause"),
}
