"""Why does an order's total differ from the sum of its parts? Every cent gets a name. Pure."""

from __future__ import annotations

from decimal import Decimal

from connectors.systems.fields import MAX_TOTAL, Fields
from orders.canonical import CanonicalOrder
from retailhub.kernel.money import ZERO, format_money


def explain_difference(fields: Fields, order: CanonicalOrder) -> tuple[Decimal, str]:
    """What the parts of `order` lack to reach its total, and the name of it; empty if nothing."""
    computed = sum_of_parts(order)
    if abs(computed) >= MAX_TOTAL:
        fields.refuse("line_items", "add up to more than any order can cost")
    difference = order.total - computed
    if not difference:
        return ZERO, ""
    for name, amount in _known_causes(fields, order):
        if amount and amount == difference:
            return difference, f"{name}: {format_money(difference, order.currency)}"
    says, adds_up = (format_money(amount, order.currency) for amount in (order.total, computed))
    return difference, f"Shopify says {says}, its parts add up to {adds_up}"


def sum_of_parts(order: CanonicalOrder) -> Decimal:
    """Lines, shipping, tax on top, tip and duties."""
    computed = sum((line.total for line in order.lines), ZERO)
    computed += order.shipping_total + order.tip_total + order.duties_total
    return computed if order.taxes_included else computed + order.tax_total


def shop_amount(fields: Fields, field: str) -> Decimal:
    """The shop-currency amount of a `*_set`; zero when the set is missing."""
    money_set = fields.inside(field)
    money = money_set.inside("shop_money") if money_set else None
    return money.amount("amount", signed=True) if money else ZERO


def _known_causes(fields: Fields, order: CanonicalOrder) -> list[tuple[str, Decimal]]:
    unallocated = order.discount_total - fields.amount("total_discounts", ZERO)
    rounding = shop_amount(fields, "total_cash_rounding_payment_adjustment_set")
    fees = shop_amount(fields, "original_total_additional_fees_set")
    shipping = shop_amount(fields, "total_shipping_price_set") - order.shipping_total
    return [
        ("Discount not spread over the lines", unallocated),
        ("Cash rounding", rounding),
        ("Additional fees", fees),
        ("Shipping without a shipping line", shipping),
        ("Additional fees and cash rounding", fees + rounding),
        ("Discount not spread over the lines, and cash rounding", unallocated + rounding),
    ]
