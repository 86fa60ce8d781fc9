"""Which state follows which? The diagram is the code."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands, from its least advanced live part."""

    ACCEPTED = "ACCEPTED"
    RESERVED = "RESERVED"
    ALLOCATED = "ALLOCATED"
    PICKED = "PICKED"
    PACKED = "PACKED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    RETURNED = "RETURNED"
    RECONCILED = "RECONCILED"
    CANCELLED = "CANCELLED"


class WorkStatus(StrEnum):
    """What a node is doing with a fulfilment order."""

    OPEN = "OPEN"
    IN_PROGRESS = "IN_PROGRESS"
    INCOMPLETE = "INCOMPLETE"
    CANCELLED = "CANCELLED"
    CLOSED = "CLOSED"


class RequestStatus(StrEnum):
    """What we asked of the node, and what it said."""

    UNSUBMITTED = "UNSUBMITTED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    CANCELLATION_REQUESTED = "CANCELLATION_REQUESTED"
    CANCELLATION_ACCEPTED = "CANCELLATION_ACCEPTED"
    CANCELLATION_REJECTED = "CANCELLATION_REJECTED"
    CLOSED = "CLOSED"


S = OrderState

NEXT: dict[OrderState, frozenset[OrderState]] = {
    S.ACCEPTED: frozenset({S.RESERVED, S.CANCELLED}),
    S.RESERVED: frozenset({S.ALLOCATED, S.ACCEPTED, S.CANCELLED}),
    S.ALLOCATED: frozenset({S.PICKED, S.PACKED, S.SHIPPED, S.DELIVERED, S.ACCEPTED, S.CANCELLED}),
    S.PICKED: frozenset({S.PACKED, S.SHIPPED, S.DELIVERED, S.ALLOCATED, S.ACCEPTED, S.CANCELLED}),
    S.PACKED: frozenset({S.SHIPPED, S.DELIVERED, S.ALLOCATED, S.ACCEPTED, S.CANCELLED}),
    S.SHIPPED: frozenset({S.DELIVERED, S.RETURNED}),
    S.DELIVERED: frozenset({S.RECONCILED, S.RETURNED}),
    S.RETURNED: frozenset({S.RECONCILED}),
    S.RECONCILED: frozenset(),
    S.CANCELLED: frozenset(),
}

# The customer sees fewer words than we do. One table, from our state to theirs.
CUSTOMER_STATUS: dict[OrderState, str] = {
    S.ACCEPTED: "Received",
    S.RESERVED: "Received",
    S.ALLOCATED: "In preparation",
    S.PICKED: "In preparation",
    S.PACKED: "Ready to ship",
    S.SHIPPED: "On its way",
    S.DELIVERED: "Delivered",
    S.RETURNED: "Returned",
    S.RECONCILED: "Delivered",
    S.CANCELLED: "Cancelled",
}

# How far each fulfilment order has come, least first.
PROGRESS: tuple[OrderState, ...] = (S.ALLOCATED, S.PICKED, S.PACKED, S.SHIPPED, S.DELIVERED)


class IllegalTransition(ValueError):
    """A bug of ours: somebody tried to move an order where it can't go."""


def check_transition(current: OrderState, following: OrderState) -> None:
    """Pass a legal move. Raises `IllegalTransition`."""
    if following not in NEXT[current]:
        raise IllegalTransition(f"{current} can't become {following}")


def overall(parts: Iterable[OrderState]) -> OrderState | None:
    """The order's state from its live fulfilment orders: the least advanced decides."""
    return min(parts, key=PROGRESS.index, default=None)


def is_late(current: OrderState, heard: OrderState) -> bool:
    """True when `heard` is history: the part has already come as far or further."""
    return PROGRESS.index(heard) <= PROGRESS.index(current)
