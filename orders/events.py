"""What happened to orders, in the past tense. Ids only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retailhub.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class OrdersAccepted(Event):
    """New orders are on record and due for their first step."""

    order_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class OrdersReserved(Event):
    """Stock was promised to these orders."""

    order_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class OrdersAllocated(Event):
    """These orders were placed at nodes; the ERP and the nodes must hear of it."""

    order_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class OrderHeld(Event):
    """An order stopped and a person must act."""

    order_id: int
    code: str
    detail: str
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OrderResumed(Event):
    """What held the order is gone."""

    order_id: int
    code: str


@dataclass(frozen=True, kw_only=True)
class OrderChanged(Event):
    """Something a page shows about an order changed."""

    order_id: int


@dataclass(frozen=True, kw_only=True)
class CancellationRequested(Event):
    """The order must stop at nodes and in the ERP that already know of it."""

    order_id: int


@dataclass(frozen=True, kw_only=True)
class OrderCancelled(Event):
    """Nothing of the order will be sent."""

    order_id: int


@dataclass(frozen=True, kw_only=True)
class ShipmentRecorded(Event):
    """A parcel left; the channel and the ERP must hear of it."""

    shipment_id: int
    order_id: int


@dataclass(frozen=True, kw_only=True)
class OrderDelivered(Event):
    """Everything has arrived."""

    order_id: int


@dataclass(frozen=True, kw_only=True)
class RefundRecorded(Event):
    """The channel gave money back."""

    refund_id: int
    order_id: int
