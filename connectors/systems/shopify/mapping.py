"""What does an order or refund of Shopify say in our words? Pure.

Fields as in https://shopify.dev/docs/api/admin-rest/latest/resources/order (webhooks carry the same
object). Plain amounts (`price`) are in the shop's currency, as is `*_set.shop_money`; bodies from
before 2018 have no sets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from connectors.systems.fields import Fields
from connectors.systems.shopify.difference import explain_difference, shop_amount
from connectors.systems.shopify.people import read_address, read_customer, read_tags
from orders.canonical import (
    CanonicalLine,
    CanonicalOrder,
    CanonicalRefund,
    CanonicalTax,
    LineKind,
)
from retailhub.kernel.money import ZERO

FINANCIAL_STATUS = {
    "": "",
    "authorized": "AUTHORIZED",
    "expired": "EXPIRED",
    "paid": "PAID",
    "partially_paid": "PARTIALLY_PAID",
    "partially_refunded": "PARTIALLY_REFUNDED",
    "pending": "PENDING",
    "refunded": "REFUNDED",
    "voided": "VOIDED",
}
GIVEN = frozenset({"success", "pending"})
# Shown to people beside the order; nothing in the flow reads them.
EXTENSION_TEXTS = (
    "source_name",
    "fulfillment_status",
    "confirmation_number",
    "po_number",
    "processing_method",
)


def read_order(payload: Any) -> CanonicalOrder:
    """The whole order, its sum exact to the last digit. Raises `MappingFailed` naming the field."""
    fields = Fields(payload, "Shopify's order")
    order = _with_people(fields, _read_money(fields))
    difference, reason = explain_difference(fields, order)
    return replace(order, difference=difference, difference_reason=reason)


def _read_money(order: Fields) -> CanonicalOrder:
    lines = tuple(read_line(line) for line in order.items("line_items", required=True))
    _refuse_twins(order, lines)
    shipping = live_shipping(order)
    shipping_discount = sum((allocated_discount(line) for line in shipping), ZERO)
    return CanonicalOrder(
        external_id=order.identifier("id"),
        number=order.label("name", limit=80) or order.identifier("order_number"),
        placed_at=order.optional_moment("processed_at") or order.moment("created_at"),
        version=order.moment("updated_at"),
        currency=order.currency("currency"),
        total=order.amount("total_price"),
        lines=lines,
        taxes_included=order.flag("taxes_included", default=False),
        discount_total=sum((line.discount for line in lines), shipping_discount),
        shipping_total=sum((charged_shipping(line) for line in shipping), ZERO),
        tax_total=read_tax(order),
        tip_total=read_tip(order),
        duties_total=read_duties(order),
        presentment_currency=order.currency("presentment_currency", ""),
        presentment_total=_presentment_total(order),
    )


def _with_people(fields: Fields, order: CanonicalOrder) -> CanonicalOrder:
    return replace(
        order,
        financial_status=fields.choice("financial_status", FINANCIAL_STATUS, ""),
        cancelled_at=fields.optional_moment("cancelled_at"),
        cancel_reason=fields.label("cancel_reason", limit=200),
        is_test=fields.flag("test", default=False),
        customer=read_customer(fields),
        ship_to=read_address(fields.inside("shipping_address")),
        bill_to=read_address(fields.inside("billing_address")),
        shipping_method=_shipping_method(live_shipping(fields)),
        refunds=tuple(
            read_refund(refund, shop_currency=order.currency, order_id=order.external_id)
            for refund in fields.items("refunds")
        ),
        tags=read_tags(fields),
        note=fields.label("note", limit=10_000),
        extension=_extension(fields),
    )


def read_line(line: Fields) -> CanonicalLine:
    """One line as it was ordered; what edits and refunds took off stands in `removed_quantity`."""
    quantity = line.quantity("quantity")
    current = line.quantity("current_quantity", quantity)
    if current > quantity:
        line.refuse("current_quantity", f"({current}) is more than the {quantity} ordered")
    unit_price, discount = line.amount("price"), allocated_discount(line)
    if discount > unit_price * quantity:
        line.refuse("discount_allocations", f"({discount}) take off more than the line's price")
    taxes = tuple(read_line_tax(tax) for tax in line.items("tax_lines"))
    return CanonicalLine(
        external_id=line.identifier("id"),
        sku=line.text("sku", "", limit=120),
        title=line.label("name", limit=500) or line.label("title", limit=500),
        kind=line_kind(line),
        quantity=quantity,
        unit_price=unit_price,
        discount=discount,
        tax=sum((tax.amount for tax in taxes), ZERO),
        taxes=taxes,
        requires_shipping=line.flag("requires_shipping", default=True),
        removed_quantity=quantity - current,
    )


def line_kind(line: Fields) -> LineKind:
    """Goods unless the line says otherwise.

    A tip paid at the till is a line with `tip_payment_gateway`; a line typed in by hand has no
    variant and no SKU.
    """
    if line.has("tip_payment_gateway") or line.has("tip"):
        return LineKind.SERVICE
    if line.flag("gift_card", default=False):
        return LineKind.GIFT_CARD
    if not line.has("variant_id") and not line.text("sku", "", limit=120):
        return LineKind.CUSTOM
    return LineKind.GOODS if line.flag("requires_shipping", default=True) else LineKind.SERVICE


def allocated_discount(line: Fields) -> Decimal:
    """What discounts took off this line.

    `total_discount` holds only what was typed in for the line itself and is 0.00 beside code and
    automatic discounts, so it counts only where no allocations are listed.
    """
    if line.raw.get("discount_allocations"):
        return sum((part.amount("amount") for part in line.items("discount_allocations")), ZERO)
    return line.amount("total_discount", ZERO)


def live_shipping(order: Fields) -> list[Fields]:
    """The shipping lines that still stand."""
    lines = order.items("shipping_lines")
    return [line for line in lines if not line.flag("is_removed", default=False)]


def charged_shipping(line: Fields) -> Decimal:
    """What was charged for one shipping line, after its discounts."""
    if line.raw.get("discount_allocations") or not line.has("discounted_price"):
        charged = line.amount("price") - allocated_discount(line)
    else:
        charged = line.amount("discounted_price")
    if charged < 0:
        line.refuse("discount_allocations", "take off more than the shipping price")
    return charged


def read_line_tax(tax: Fields) -> CanonicalTax:
    """One tax of a line."""
    return CanonicalTax(
        title=tax.label("title"), rate=tax.rate("rate"), amount=tax.amount("price", signed=True)
    )


def read_tax(order: Fields) -> Decimal:
    """All tax of the order; summed from its tax lines where the total is null."""
    if order.has("total_tax"):
        return order.amount("total_tax")
    return sum((tax.amount("price") for tax in order.items("tax_lines")), ZERO)


def read_tip(order: Fields) -> Decimal:
    """Tips that are not also a line: `total_tip_received` counts tip lines once more."""
    as_lines = sum(
        (
            line.amount("price") * line.quantity("quantity")
            for line in order.items("line_items")
            if line.has("tip_payment_gateway") or line.has("tip")
        ),
        ZERO,
    )
    return max(order.amount("total_tip_received", ZERO) - as_lines, ZERO)


def read_duties(order: Fields) -> Decimal:
    """Duties on top of the prices; none where prices already hold them."""
    if order.flag("duties_included", default=False):
        return ZERO
    return shop_amount(order, "original_total_duties_set")


def read_refund(
    refund: Fields, *, shop_currency: str = "", order_id: str | None = None
) -> CanonicalRefund:
    """Money given back by this refund: its refund transactions that were made or are under way.

    One that is pending counts: Shopify tells a refund once. A refund without transactions is a
    restock only, amount 0. `order_id` is for refunds inside an order.
    """
    paid = [
        transaction
        for transaction in refund.items("transactions")
        if transaction.label("kind") == "refund" and transaction.label("status") in GIVEN
    ]
    currencies = {transaction.currency("currency", "") for transaction in paid} - {""}
    if len(currencies) > 1:
        refund.refuse("transactions", f"mix currencies ({', '.join(sorted(currencies))})")
    quantities: Counter[str] = Counter()
    for line in refund.items("refund_line_items"):
        quantities[line.identifier("line_item_id")] += line.quantity("quantity")
    return CanonicalRefund(
        order_external_id=refund.identifier("order_id", order_id),
        external_id=refund.identifier("id"),
        amount=sum((transaction.amount("amount") for transaction in paid), ZERO),
        currency=next(iter(currencies), "") or shop_currency or _shop_currency(refund),
        refunded_at=refund.optional_moment("processed_at") or refund.moment("created_at"),
        note=refund.label("note", limit=10_000),
        line_quantities=dict(quantities),
    )


def _shop_currency(refund: Fields) -> str:
    """The shop's currency, which a refund states only inside its sets; empty in old restocks."""
    money_sets = [refund.inside("total_duties_set")]
    money_sets += [line.inside("subtotal_set") for line in refund.items("refund_line_items")]
    for money_set in filter(None, money_sets):
        if money := money_set.inside("shop_money"):
            return money.currency("currency_code", "")
    return ""


def _presentment_total(order: Fields) -> Decimal:
    total = order.inside("total_price_set")
    money = total.inside("presentment_money") if total else None
    return money.amount("amount") if money else ZERO


def _shipping_method(shipping: Sequence[Fields]) -> str:
    if not shipping:
        return ""
    return shipping[0].label("code", limit=120) or shipping[0].label("title", limit=120)


def _extension(order: Fields) -> dict[str, str]:
    texts = {name: order.label(name) for name in EXTENSION_TEXTS}
    return {name: text for name, text in texts.items() if text}


def _refuse_twins(order: Fields, lines: Sequence[CanonicalLine]) -> None:
    counted = Counter(line.external_id for line in lines)
    for external_id, times in counted.items():
        if times > 1:
            order.refuse("line_items", f"name the line {external_id} {times} times")
