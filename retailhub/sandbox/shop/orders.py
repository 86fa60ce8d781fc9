"""A believable order in the shape of Shopify's REST API and webhooks."""

import random
from dataclasses import dataclass
from typing import Any, Final

from retailhub.sandbox.clock import shop_stamp
from retailhub.sandbox.credentials import SHOP_DOMAIN
from retailhub.sandbox.shop import basket
from retailhub.sandbox.shop.basket import Mix, Wanted
from retailhub.sandbox.shop.money import SHOP_CURRENCY, Till, amount, cents, included_tax
from retailhub.sandbox.shop.people import Country, Person, address, customer, person

Order = dict[str, Any]

_EVERYDAY_IDS: Final = 6_120_000_000_000
# Above 2**53: a reader that goes through floating point gets these wrong.
_HUGE_IDS: Final = 9_120_000_000_000_000
_LINES_PER_ORDER: Final = 64
_FREE_SHIPPING_FROM: Final = 10_000


@dataclass(frozen=True)
class Asked:
    """What somebody wants an order to be like."""

    number: int
    seed: str
    mix: Mix
    sku: str | None = None
    quantity: int | None = None


@dataclass(frozen=True)
class Sums:
    """An order's money in cents of the shop's currency."""

    lines: int
    discounts: int
    shipping: int
    tax: int
    tip: int

    @property
    def subtotal(self) -> int:
        return self.lines - self.discounts

    @property
    def total(self) -> int:
        return self.subtotal + self.shipping + self.tip


def build_order(asked: Asked) -> Order:
    """The order this seed makes: same seed, same customer, lines and prices."""
    luck = random.Random(asked.seed)  # noqa: S311
    mix = asked.mix
    in_dollars = luck.random() < mix.presentment_usd
    who = person(luck, "US" if in_dollars else None)
    till = Till("USD" if in_dollars else SHOP_CURRENCY)
    wanted = basket.choose(luck, mix, asked.sku, asked.quantity)
    discounts = basket.discount(wanted) if luck.random() < mix.discount else 0
    order_id = (_HUGE_IDS if luck.random() < mix.huge_id else _EVERYDAY_IDS) + asked.number
    lines = [
        basket.line_item(line, _line_id(order_id, asked.number, index), till, who.country)
        for index, line in enumerate(wanted)
    ]
    shipping = _shipping_lines(luck, wanted, asked.number, till, who.country)
    sums = _sums(wanted, discounts, shipping, 300 if luck.random() < mix.tip else 0)
    order = _head(order_id, asked.number, till, luck.random() < mix.test)
    order |= _totals(sums, till, who.country, lines, shipping)
    order |= _people(luck, mix, who, order["created_at"], any(w.needs_shipping for w in wanted))
    order |= _discounts(discounts)
    order["total_weight"] = sum(line["grams"] * line["quantity"] for line in lines)
    order |= {"line_items": lines, "shipping_lines": shipping, "refunds": [], "fulfillments": []}
    if luck.random() < mix.late_payment:
        order |= {"financial_status": "pending", "total_outstanding": amount(sums.total)}
    return order


def _line_id(order_id: int, number: int, index: int) -> int:
    base = 9_310_000_000_000_000 if order_id > _HUGE_IDS else 15_300_000_000_000
    return base + number * _LINES_PER_ORDER + index


# What every order of this shop has in common.
_COMMON: Final[Order] = {
    "app_id": 580_111,
    "browser_ip": None,
    "buyer_accepts_marketing": False,
    "cancel_reason": None,
    "cancelled_at": None,
    "cart_token": None,
    "closed_at": None,
    "confirmed": True,
    "currency": SHOP_CURRENCY,
    "customer_locale": "de-DE",
    "estimated_taxes": False,
    "financial_status": "paid",
    "fulfillment_status": None,
    "location_id": None,
    "note": None,
    "po_number": None,
    "source_name": "web",
    "tags": "",
    "tax_exempt": False,
    "user_id": None,
}


def _head(order_id: int, number: int, till: Till, is_test: bool) -> Order:
    stamp = shop_stamp()
    return {
        "id": order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order_id}",
        **_COMMON,
        "checkout_id": 38_100_000_000_000 + number,
        "confirmation_number": f"N{number:07X}",
        "created_at": stamp,
        "name": f"#{1000 + number}",
        "note_attributes": [],
        "number": number,
        "order_number": 1000 + number,
        "order_status_url": f"https://{SHOP_DOMAIN}/orders/{order_id}",
        "payment_gateway_names": ["bogus"] if is_test else ["shopify_payments"],
        "presentment_currency": till.currency,
        "processed_at": stamp,
        "test": is_test,
        "token": f"{order_id:x}",
        "updated_at": stamp,
    }


def _sums(wanted: list[Wanted], discounts: int, shipping: list[Order], tip: int) -> Sums:
    shipping_tax = sum(cents(tax["price"]) for line in shipping for tax in line["tax_lines"])
    return Sums(
        lines=sum(line.cents * line.quantity for line in wanted),
        discounts=discounts,
        shipping=sum(cents(line["price"]) for line in shipping),
        tax=sum(line.tax_cents for line in wanted) + shipping_tax,
        tip=tip,
    )


def _totals(
    sums: Sums, till: Till, country: Country, lines: list[Order], shipping: list[Order]
) -> Order:
    taxes = [till.tax_line(country.tax_title, country.tax_rate, sums.tax)] if sums.tax else []
    return {
        **till.both("current_subtotal_price", sums.subtotal),
        "current_total_additional_fees_set": None,
        **till.both("current_total_discounts", sums.discounts),
        "current_total_duties_set": None,
        **till.both("current_total_price", sums.total),
        **till.both("current_total_tax", sums.tax),
        "original_total_duties_set": None,
        **till.both("subtotal_price", sums.subtotal),
        "tax_lines": taxes,
        "taxes_included": bool(country.tax_rate),
        **till.both("total_discounts", sums.discounts),
        **till.both("total_line_items_price", sums.lines),
        "total_outstanding": "0.00",
        **till.both("total_price", sums.total),
        "total_shipping_price_set": till.money_set(sums.shipping),
        **till.both("total_tax", sums.tax),
        "total_tip_received": amount(sums.tip),
    }


def _people(luck: random.Random, mix: Mix, who: Person, stamp: str, needs_shipping: bool) -> Order:
    is_guest = luck.random() < mix.no_customer
    has_billing = luck.random() >= mix.no_billing_address
    email = None if is_guest else who.email
    return {
        "billing_address": address(who) if has_billing else None,
        "contact_email": email,
        "customer": None if is_guest else customer(who, stamp),
        "email": email or "",
        "phone": None,
        "shipping_address": address(who) if needs_shipping else None,
    }


def _discounts(discount_cents: int) -> Order:
    if not discount_cents:
        return {"discount_applications": [], "discount_codes": []}
    code = {
        "code": basket.DISCOUNT_CODE,
        "amount": amount(discount_cents),
        "type": "percentage",
    }
    return {"discount_applications": [basket.discount_application()], "discount_codes": [code]}


def _shipping_lines(
    luck: random.Random, wanted: list[Wanted], number: int, till: Till, country: Country
) -> list[Order]:
    if not any(line.needs_shipping for line in wanted):
        return []
    code, title, price = _shipping_choice(luck, wanted, country)
    tax = included_tax(price, country.tax_rate)
    taxes = [till.tax_line(country.tax_title, country.tax_rate, tax)] if tax else []
    line = {
        "id": 5_010_000_000_000 + number,
        "carrier_identifier": None,
        "code": code,
        **till.both("discounted_price", price),
        "is_removed": False,
        "phone": None,
        **till.both("price", price),
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": title,
        "tax_lines": taxes,
        "discount_allocations": [],
    }
    return [line]


def _shipping_choice(
    luck: random.Random, wanted: list[Wanted], country: Country
) -> tuple[str, str, int]:
    if country.code == "US":
        return "international", "International", 2490
    if luck.random() < 0.12:
        return "express", "Express", 1290
    is_free = sum(line.gross_cents for line in wanted) >= _FREE_SHIPPING_FROM
    return "standard", "Standard", 0 if is_free else 490 if country.code == "DE" else 990
