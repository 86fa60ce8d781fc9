"""What may the outside tell us about an order? Plain data, in our words.

Money is `Decimal` in the order's `currency` (the shop's own, not the shopper's presentment
currency). Quantities are whole units. Times carry a zone. Codes (`sku`, `shipping_method`,
`tax_code`) are still spelled as the sender spells them; `connectors` resolves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from retailhub.kernel.money import ZERO


class LineKind(StrEnum):
    """What a line sells. Only goods are promised, placed and shipped."""

    GOODS = "GOODS"
    GIFT_CARD = "GIFT_CARD"
    SERVICE = "SERVICE"  # nothing to ship: a tip, a warranty, a digital item
    CUSTOM = "CUSTOM"  # typed in by hand, without a SKU


class FulfillmentEventKind(StrEnum):
    """What a node tells about a fulfilment order it was given."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    PICKED = "PICKED"
    PACKED = "PACKED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    SHORT = "SHORT"  # the node cannot find the goods
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, kw_only=True)
class CanonicalAddress:
    """Where something goes. Every field may be empty: senders leave out what they don't know."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country_code: str = ""
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class CanonicalCustomer:
    """Who bought, as the channel knows them."""

    external_id: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    tags: tuple[str, ...] | None = None  # None: the channel does not say


@dataclass(frozen=True, kw_only=True)
class CanonicalTax:
    """One tax on a line: its name, rate (0.19 for 19 %) and amount."""

    title: str
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class CanonicalLine:
    """One line. `total` is what was charged: quantity x unit price - discount."""

    external_id: str
    sku: str
    title: str
    kind: LineKind
    quantity: int
    unit_price: Decimal
    discount: Decimal = ZERO
    tax: Decimal = ZERO
    taxes: tuple[CanonicalTax, ...] = ()
    requires_shipping: bool = True
    removed_quantity: int = (
        0  # units taken off since, by an edit or a refund; the money still counts them
    )

    @property
    def total(self) -> Decimal:
        return self.unit_price * self.quantity - self.discount


@dataclass(frozen=True, kw_only=True)
class CanonicalRefund:
    """Money given back. Keyed by its own id, so it applies once in any order."""

    order_external_id: str
    external_id: str
    amount: Decimal
    currency: str
    refunded_at: datetime
    note: str = ""
    line_quantities: Mapping[str, int] = field(default_factory=dict)  # line external id -> units


@dataclass(frozen=True, kw_only=True)
class CanonicalOrder:
    """A whole order as its channel sees it at `version`. A later version replaces an earlier one.

    The sum is exact: lines + shipping + tax (unless `taxes_included`) + tip + duties + difference
    = total, where `difference` is zero or has a `difference_reason`.
    """

    external_id: str
    number: str
    placed_at: datetime
    version: datetime
    currency: str
    total: Decimal
    lines: tuple[CanonicalLine, ...]
    taxes_included: bool = False
    discount_total: Decimal = ZERO
    shipping_total: Decimal = ZERO  # after its discounts
    tax_total: Decimal = ZERO
    tip_total: Decimal = ZERO
    duties_total: Decimal = ZERO
    difference: Decimal = ZERO
    difference_reason: str = ""
    presentment_currency: str = ""
    presentment_total: Decimal = ZERO
    financial_status: str = (
        ""  # PENDING AUTHORIZED PAID PARTIALLY_PAID PARTIALLY_REFUNDED REFUNDED VOIDED EXPIRED
    )
    cancelled_at: datetime | None = None
    cancel_reason: str = ""
    is_test: bool = False
    is_fulfilled: bool = False  # somebody else has already sent all of it
    customer: CanonicalCustomer | None = None
    ship_to: CanonicalAddress | None = None
    bill_to: CanonicalAddress | None = None
    shipping_method: str = ""
    refunds: tuple[CanonicalRefund, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""
    reservation: str = ""  # a hold that the order takes over
    extension: Mapping[str, Any] = field(default_factory=dict)  # channel-specific, JSON-safe


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """Where a parcel is followed."""

    carrier: str = ""
    number: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class CanonicalFulfillmentEvent:
    """What a node did with a fulfilment order. Additive: keyed by `event_id`, applies in any order.

    `reference` is the reference we gave the node (`FulfillmentOrder.reference`). `quantities` maps
    our line reference to units; empty means all that was asked for.
    """

    reference: str
    event_id: str
    kind: FulfillmentEventKind
    occurred_at: datetime
    external_id: str = ""  # the node's own id of its order
    quantities: Mapping[str, int] = field(default_factory=dict)
    tracking: Tracking = Tracking()
    shipment_external_id: str = ""  # the node's own id of the parcel that was shipped or delivered
    reason: str = ""
