"""From a canonical snapshot to columns and line rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orders.canonical import CanonicalAddress, CanonicalLine, CanonicalOrder, LineKind
from orders.models import Order, OrderLine

# Money is there, or promised by the payment provider: the goods may go.
RELEASABLE = frozenset({"AUTHORIZED", "PAID", "PARTIALLY_REFUNDED"})

# Money that was there is gone: goods must not leave for it.
PAYMENT_LOST = frozenset({"VOIDED", "EXPIRED", "REFUNDED"})

# Reasons to wait that need no person: they end by themselves, or are meant.
QUIET_HOLDS = frozenset(
    {"orders.awaiting_payment", "orders.test_order", "orders.fulfilled_elsewhere"}
)


def hold_on_arrival(canonical: CanonicalOrder) -> str:
    """Why the order must not be promised yet, or nothing."""
    if canonical.is_test:
        return "orders.test_order"
    if canonical.is_fulfilled:
        return "orders.fulfilled_elsewhere"
    if canonical.financial_status not in RELEASABLE:
        return "orders.awaiting_payment"
    return ""


def snapshot_fields(canonical: CanonicalOrder) -> dict[str, Any]:
    """The columns that every newer snapshot replaces."""
    return {
        "number": canonical.number,
        "financial_status": canonical.financial_status,
        "is_test": canonical.is_test,
        "currency": canonical.currency,
        "total": canonical.total,
        "discount_total": canonical.discount_total,
        "shipping_total": canonical.shipping_total,
        "tax_total": canonical.tax_total,
        "tip_total": canonical.tip_total,
        "duties_total": canonical.duties_total,
        "difference": canonical.difference,
        "difference_reason": canonical.difference_reason,
        "taxes_included": canonical.taxes_included,
        "presentment_currency": canonical.presentment_currency,
        "presentment_total": canonical.presentment_total,
        "ship_to": _columns(canonical.ship_to),
        "bill_to": _columns(canonical.bill_to),
        "shipping_method": canonical.shipping_method,
        "tags": list(canonical.tags),
        "note": canonical.note,
        "extension": dict(canonical.extension),
        "placed_at": canonical.placed_at,
        "version_at": canonical.version,
        "cancelled_at": canonical.cancelled_at,
        "cancel_reason": canonical.cancel_reason,
    }


def _columns(address: CanonicalAddress | None) -> dict[str, str] | None:
    # Flat texts, so without the deep copies of `asdict`.
    return None if address is None else dict(vars(address))


def build_lines(
    order: Order, canonical: CanonicalOrder, item_ids: Mapping[str, int]
) -> list[OrderLine]:
    """Unsaved line rows of a saved order."""
    return [_build_line(order, line, item_ids) for line in canonical.lines]


def _build_line(order: Order, line: CanonicalLine, item_ids: Mapping[str, int]) -> OrderLine:
    return OrderLine(
        order=order,
        external_id=line.external_id,
        kind=line.kind,
        item_id=item_ids.get(line.sku) if line.kind == LineKind.GOODS else None,
        sku=line.sku,
        title=line.title,
        quantity=line.quantity,
        removed_quantity=line.removed_quantity,
        unit_price=line.unit_price,
        discount=line.discount,
        tax=line.tax,
        total=line.total,
        taxes=[
            {"title": t.title, "rate": str(t.rate), "amount": str(t.amount)} for t in line.taxes
        ],
        requires_shipping=line.requires_shipping,
    )
