"""What lies in a basket: the lines, priced and taxed, as an order carries them."""

import random
from dataclasses import dataclass, field
from typing import Any, Final

from retailhub.sandbox.catalogue import ITEM, ITEMS, CatalogueItem
from retailhub.sandbox.shop.money import Till, amount, included_tax
from retailhub.sandbox.shop.people import Country

_MAPPED: Final = tuple(item for item in ITEMS if item.is_mapped and not item.is_scarce)
_SCARCE: Final = tuple(item for item in ITEMS if item.is_scarce)
_UNMAPPED: Final = tuple(item for item in ITEMS if not item.is_mapped)
DISCOUNT_CODE: Final = "WELCOME10"
_DISCOUNT_PERCENT: Final = 10


@dataclass(frozen=True)
class Mix:
    """How often an order has something unusual about it; each a probability."""

    unknown_sku: float = 0.02
    scarce: float = 0.01
    test: float = 0.01
    tip: float = 0.03
    gift_card: float = 0.02
    custom_line: float = 0.02
    digital_only: float = 0.01
    discount: float = 0.15
    presentment_usd: float = 0.05
    huge_id: float = 0.05
    no_customer: float = 0.02
    no_billing_address: float = 0.02
    late_payment: float = 0.03


PLAIN_MIX: Final = Mix(*([0.0] * 13))


@dataclass
class Wanted:
    """One line before it is priced. No item means a custom line."""

    title: str
    cents: int
    quantity: int
    item: CatalogueItem | None = None
    is_gift_card: bool = False
    discount_cents: int = 0
    tax_cents: int = field(default=0, init=False)

    @property
    def needs_shipping(self) -> bool:
        return self.item is not None

    @property
    def gross_cents(self) -> int:
        return self.cents * self.quantity - self.discount_cents


def choose(luck: random.Random, mix: Mix, sku: str | None, quantity: int | None) -> list[Wanted]:
    """Fill a basket, or put exactly one asked-for item in it."""
    if sku is not None:
        return [_wanted(ITEM[sku], quantity or 1)]
    if luck.random() < mix.digital_only:
        return [_gift_card(luck)]
    items = luck.sample(_MAPPED, luck.choices((1, 2, 3, 4), (55, 27, 12, 6))[0])
    if luck.random() < mix.unknown_sku:
        items.append(luck.choice(_UNMAPPED))
    if luck.random() < mix.scarce:
        items.append(luck.choice(_SCARCE))
    lines = [_wanted(item, quantity or luck.choices((1, 2, 4), (78, 17, 5))[0]) for item in items]
    if luck.random() < mix.gift_card:
        lines.append(_gift_card(luck))
    if luck.random() < mix.custom_line:
        lines.append(Wanted("Gift wrapping with a handwritten card", 450, 1))
    return lines


def discount(lines: list[Wanted]) -> int:
    """Ten percent off every shipped line; the sum of what was taken off."""
    for line in lines:
        if line.needs_shipping:
            line.discount_cents = round(line.cents * line.quantity * _DISCOUNT_PERCENT / 100)
    return sum(line.discount_cents for line in lines)


def line_item(line: Wanted, line_id: int, till: Till, country: Country) -> dict[str, Any]:
    """A line of the order. Also settles its tax."""
    tax_lines = []
    if country.tax_rate and not line.is_gift_card:
        line.tax_cents = included_tax(line.gross_cents, country.tax_rate)
        tax_lines = [till.tax_line(country.tax_title, country.tax_rate, line.tax_cents)]
    return {
        "id": line_id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{line_id}",
        "attributed_staffs": [],
        "current_quantity": line.quantity,
        "fulfillable_quantity": line.quantity if line.needs_shipping else 0,
        "fulfillment_service": "gift_card" if line.is_gift_card else "manual",
        "fulfillment_status": "fulfilled" if line.is_gift_card else None,
        "gift_card": line.is_gift_card,
        "name": line.title,
        **till.both("price", line.cents),
        **_product(line),
        "properties": [],
        "quantity": line.quantity,
        "requires_shipping": line.needs_shipping,
        "taxable": not line.is_gift_card,
        "title": line.title,
        **till.both("total_discount", 0),
        "tax_lines": tax_lines,
        "duties": [],
        "discount_allocations": _allocations(line, till),
    }


def _product(line: Wanted) -> dict[str, Any]:
    """What a line says about the product; a custom line has none."""
    item = line.item
    return {
        "grams": item.grams if item else 0,
        "product_exists": item is not None,
        "product_id": item.product_id if item else None,
        "sku": item.sku if item else ("GIFT-CARD" if line.is_gift_card else None),
        "variant_id": item.variant_id if item else None,
        "variant_inventory_management": "shopify" if item else None,
        "variant_title": None,
        "vendor": "Nordlicht" if item else None,
    }


def _allocations(line: Wanted, till: Till) -> list[dict[str, Any]]:
    if not line.discount_cents:
        return []
    return [
        {
            "amount": amount(line.discount_cents),
            "amount_set": till.money_set(line.discount_cents),
            "discount_application_index": 0,
        }
    ]


def discount_application() -> dict[str, Any]:
    return {
        "target_type": "line_item",
        "type": "discount_code",
        "value": f"{_DISCOUNT_PERCENT}.0",
        "value_type": "percentage",
        "allocation_method": "across",
        "target_selection": "all",
        "code": DISCOUNT_CODE,
    }


def _wanted(item: CatalogueItem, quantity: int) -> Wanted:
    return Wanted(item.title, item.cents, quantity, item)


def _gift_card(luck: random.Random) -> Wanted:
    return Wanted("Gift card", luck.choice((2500, 5000, 10000)), 1, is_gift_card=True)
