"""Take due orders through a step: all at once, or one by one when one of them can't."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.db import OperationalError, transaction

from orders.errors import OrderUnexpected
from orders.lifecycle import OrderState
from orders.models import Order
from orders.selectors import due_orders
from orders.services.hold import hold_order
from retailhub.kernel.errors import NeedsOperator

log = logging.getLogger(__name__)


class Step(Protocol):
    """What moves locked orders from one state to the next."""

    def __call__(self, orders: Sequence[Order], *, now: datetime) -> None: ...


def take_due(step: Step, state: OrderState, *, limit: int, now: datetime) -> int:
    """Take the oldest orders in `state` through `step`. Returns how many were due.

    A batch that fails is redone one by one, so that one order nobody can serve, or that our own
    bug trips over, is held and stops only itself.
    """
    try:
        with transaction.atomic(durable=True):
            orders = list(due_orders(state=state, limit=limit))
            step(orders, now=now)
            return len(orders)
    except OperationalError:
        raise  # a lock or the database: nobody's fault, and soon over
    except Exception as error:
        log.warning("orders %s are taken one by one: %s", state.lower(), type(error).__name__)
    for count in range(limit):
        if not _take_first(step, state, now):
            return count
    return limit


@transaction.atomic(durable=True)
def _take_first(step: Step, state: OrderState, now: datetime) -> bool:
    for order in due_orders(state=state, limit=1):
        try:
            with transaction.atomic():
                step([order], now=now)
        except OperationalError:
            raise
        except Exception as error:
            order.refresh_from_db()
            hold_order(order, _told(order, error), now=now)
        return True
    return False


def _told(order: Order, error: Exception) -> NeedsOperator:
    if isinstance(error, NeedsOperator):
        return error
    log.error("order %d could not take its step", order.pk, exc_info=error)
    return OrderUnexpected(f"{order.number} could not go on: {type(error).__name__}.")
