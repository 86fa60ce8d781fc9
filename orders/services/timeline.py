"""Writing an order's journey: one line per fact."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orders.lifecycle import CUSTOMER_STATUS, OrderState, check_transition
from orders.models import Order, OrderEvent


def event(
    order: Order, kind: str, text: str, *, at: datetime, system: str = "", **data: Any
) -> OrderEvent:
    """An unsaved line of the timeline that moves nothing."""
    return OrderEvent(
        order=order,
        kind=kind,
        text=text[:300],
        system=system,
        data=data,
        trace_id=order.trace_id,
        happened_at=at,
    )


def advance(
    order: Order, to: OrderState, text: str, *, at: datetime, system: str = "", **data: Any
) -> OrderEvent:
    """Move `order` to `to` in memory and return the unsaved line that says so.

    Raises `IllegalTransition` for a move the table does not have. The caller saves both.
    """
    current = OrderState(order.state)
    check_transition(current, to)
    line = event(order, to.value.lower(), text, at=at, system=system, **data)
    line.from_state, line.to_state = current.value, to.value
    before, order.state = order.customer_status, to.value
    order.customer_status = CUSTOMER_STATUS[to]
    if order.customer_status != before:
        line.customer_status = order.customer_status
    return line
