"""What does a custom shop tell? Our own format, read strictly. Pure.

    {"id": "A-1001", "number": "A-1001", "placed_at": "2026-11-20T09:30:00+01:00",
     "updated_at": …, "currency": "EUR", "total": "64.70", "taxes_included": true,
     "lines": [{"id": "1", "sku": "MUG-BLUE", "title": "Mug", "kind": "GOODS", "quantity": 2,
                "unit_price": "29.90", "discount": "0", "requires_shipping": true,
                "taxes": [{"title": "DE 19 %", "rate": "0.19", "amount": "9.55"}]}],
     "shipping_total": "4.90", "tax_total": "10.33", "tip_total": "0", "duties_total": "0",
     "difference": "0", "difference_reason": "",
     "financial_status": "PAID", "cancelled_at": null, "cancel_reason": "", "is_test": false,
     "customer": {"id": "77", "name": …, "email": …, "phone": …, "tags": ["VIP"]},
     "ship_to": {"name", "company", "line1", "line2", "city", "region", "postal_code",
                 "country_code", "phone"}, "bill_to": {…},
     "shipping_method": "STANDARD", "tags": ["gift"], "note": "", "extension": {},
     "reservation": "basket-77"}

Required: id, placed_at, currency, total and lines with id, quantity, unit_price. The parts must add
up to the total: lines + shipping + tax (unless included) + tip + duties + difference. A field we
don't know is refused, so that a misspelt one is not lost.

A refund: `{"id", "order_id", "amount", "currency", "refunded_at", "note", "lines": [{"id",
"quantity"}]}`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

from connectors.systems.fields import MAX_TOTAL, Fields
from orders.canonical import (
    CanonicalAddress,
    CanonicalCustomer,
    CanonicalLine,
    CanonicalOrder,
    CanonicalRefund,
    CanonicalTax,
    LineKind,
)
from retailhub.kernel.money import ZERO, format_money

ADDRESS_FIELDS = tuple(CanonicalAddress.__dataclass_fields__)
ORDER_FIELDS = frozenset(CanonicalOrder.__dataclass_fields__) - {
    "external_id",
    "version",
    "discount_total",
    "refunds",
} | {"id", "updated_at"}
LINE_FIELDS = frozenset(
    {
        "id",
        "sku",
        "title",
        "kind",
        "quantity",
        "unit_price",
        "discount",
        "taxes",
        "requires_shipping",
    }
)
REFUND_FIELDS = frozenset({"id", "order_id", "amount", "currency", "refunded_at", "note", "lines"})
KINDS = {kind.value: kind for kind in LineKind}
FINANCIAL_STATUS = {
    "": "",
    "PENDING": "PENDING",
    "AUTHORIZED": "AUTHORIZED",
    "PAID": "PAID",
    "PARTIALLY_PAID": "PARTIALLY_PAID",
    "PARTIALLY_REFUNDED": "PARTIALLY_REFUNDED",
    "REFUNDED": "REFUNDED",
    "VOIDED": "VOIDED",
    "EXPIRED": "EXPIRED",
}


def read_order(payload: Any, *, is_cancelled: bool = False) -> CanonicalOrder:
    """The whole order. Raises `MappingFailed` naming the field.

    `is_cancelled` asks for `cancelled_at`.
    """
    fields = Fields(payload, "The order")
    _refuse_strangers(fields, ORDER_FIELDS)
    order = _with_people(fields, _read_money(fields))
    if is_cancelled and order.cancelled_at is None:
        fields.refuse("cancelled_at", "is missing from an order that was cancelled")
    _refuse_wrong_sum(fields, order)
    return order


def _read_money(order: Fields) -> CanonicalOrder:
    lines = tuple(read_line(line) for line in order.items("lines", required=True))
    counted = Counter(line.external_id for line in lines)
    if twins := [external_id for external_id, times in counted.items() if times > 1]:
        order.refuse("lines", f"name the line {twins[0]} more than once")
    tax_on_lines = sum((line.tax for line in lines), ZERO)
    return CanonicalOrder(
        external_id=order.identifier("id"),
        number=order.text("number", "", limit=80) or order.identifier("id"),
        placed_at=order.moment("placed_at"),
        version=order.optional_moment("updated_at") or order.moment("placed_at"),
        currency=order.currency("currency"),
        total=order.amount("total"),
        lines=lines,
        taxes_included=order.flag("taxes_included", default=False),
        discount_total=sum((line.discount for line in lines), ZERO),
        shipping_total=order.amount("shipping_total", ZERO),
        tax_total=order.amount("tax_total", tax_on_lines),
        tip_total=order.amount("tip_total", ZERO),
        duties_total=order.amount("duties_total", ZERO),
        difference=order.amount("difference", ZERO, signed=True),
        difference_reason=order.text("difference_reason", "", limit=200),
        presentment_currency=order.currency("presentment_currency", ""),
        presentment_total=order.amount("presentment_total", ZERO),
    )


def _with_people(fields: Fields, order: CanonicalOrder) -> CanonicalOrder:
    return replace(
        order,
        financial_status=fields.choice("financial_status", FINANCIAL_STATUS, ""),
        cancelled_at=fields.optional_moment("cancelled_at"),
        cancel_reason=fields.text("cancel_reason", "", limit=200),
        is_test=fields.flag("is_test", default=False),
        customer=read_customer(fields.inside("customer")),
        ship_to=read_address(fields.inside("ship_to")),
        bill_to=read_address(fields.inside("bill_to")),
        shipping_method=fields.text("shipping_method", "", limit=120),
        tags=fields.texts("tags"),
        note=fields.text("note", "", limit=10_000),
        reservation=fields.text("reservation", "", limit=50),
        extension=_extension(fields),
    )


def read_line(line: Fields) -> CanonicalLine:
    """One line. A line of goods needs a SKU."""
    _refuse_strangers(line, LINE_FIELDS)
    kind = line.choice("kind", KINDS, LineKind.GOODS.value)
    quantity, unit_price = line.quantity("quantity"), line.amount("unit_price")
    discount = line.amount("discount", ZERO)
    if quantity == 0:
        line.refuse("quantity", "is zero")
    if discount > unit_price * quantity:
        line.refuse("discount", "is more than the line's price")
    taxes = tuple(
        CanonicalTax(
            title=tax.text("title"), rate=tax.rate("rate"), amount=tax.amount("amount", signed=True)
        )
        for tax in line.items("taxes")
    )
    return CanonicalLine(
        external_id=line.identifier("id"),
        sku=line.text("sku", None if kind is LineKind.GOODS else "", limit=120),
        title=line.text("title", "", limit=500),
        kind=kind,
        quantity=quantity,
        unit_price=unit_price,
        discount=discount,
        tax=sum((tax.amount for tax in taxes), ZERO),
        taxes=taxes,
        requires_shipping=line.flag("requires_shipping", default=kind is LineKind.GOODS),
    )


def read_refund(payload: Any) -> CanonicalRefund:
    """Money given back. Raises `MappingFailed` naming the field."""
    refund = Fields(payload, "The refund")
    _refuse_strangers(refund, REFUND_FIELDS)
    quantities: Counter[str] = Counter()
    for line in refund.items("lines"):
        quantities[line.identifier("id")] += line.quantity("quantity")
    return CanonicalRefund(
        order_external_id=refund.identifier("order_id"),
        external_id=refund.identifier("id"),
        amount=refund.amount("amount"),
        currency=refund.currency("currency"),
        refunded_at=refund.moment("refunded_at"),
        note=refund.text("note", "", limit=10_000),
        line_quantities=dict(quantities),
    )


def read_customer(customer: Fields | None) -> CanonicalCustomer | None:
    """Who bought, if the shop says."""
    if customer is None:
        return None
    _refuse_strangers(customer, frozenset({"id", "name", "email", "phone", "tags"}))
    return CanonicalCustomer(
        external_id=customer.identifier("id", ""),
        name=customer.text("name", ""),
        email=customer.text("email", "", limit=320),
        phone=customer.text("phone", "", limit=80),
        tags=customer.texts("tags") if "tags" in customer.raw else None,
    )


def read_address(address: Fields | None) -> CanonicalAddress | None:
    """An address, if the shop says."""
    if address is None:
        return None
    _refuse_strangers(address, frozenset(ADDRESS_FIELDS))
    return CanonicalAddress(**{name: address.text(name, "") for name in ADDRESS_FIELDS})


def _extension(fields: Fields) -> dict[str, str]:
    extension = fields.inside("extension")
    if extension is None:
        return {}
    return {name[:80]: extension.text(name, "", limit=1000) for name in extension.raw}


def _refuse_strangers(fields: Fields, known: frozenset[str]) -> None:
    for name in fields.raw:
        if name not in known:
            fields.refuse(name[:60], "is not a field we know")


def _refuse_wrong_sum(fields: Fields, order: CanonicalOrder) -> None:
    parts: Decimal = sum((line.total for line in order.lines), ZERO)
    parts += order.shipping_total + order.tip_total + order.duties_total + order.difference
    parts += ZERO if order.taxes_included else order.tax_total
    if abs(parts) >= MAX_TOTAL:
        fields.refuse("lines", "add up to more than any order can cost")
    if parts != order.total:
        says, is_ = (format_money(amount, order.currency) for amount in (order.total, parts))
        fields.refuse("total", f"says {says}, the parts add up to {is_}")
    if order.difference and not order.difference_reason:
        fields.refuse("difference_reason", "is missing: say why the parts don't make the total")
