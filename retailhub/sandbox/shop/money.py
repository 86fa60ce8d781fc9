"""Money as Shopify writes it: decimal strings, in the shop's and in the customer's currency."""

from dataclasses import dataclass
from typing import Any, Final

SHOP_CURRENCY: Final = "EUR"
# Cents of the customer's currency for one euro.
RATES: Final = {"EUR": 1.0, "USD": 1.085}

MoneySet = dict[str, dict[str, str]]


def amount(cents: int) -> str:
    """1490 -> "14.90" """
    sign, cents = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign}{cents // 100}.{cents % 100:02d}"


def cents(text: str) -> int:
    """ "14.90" -> 1490"""
    whole, _, part = text.partition(".")
    value = abs(int(whole)) * 100 + int((part + "00")[:2])
    return -value if whole.startswith("-") else value


def included_tax(gross_cents: int, rate: float) -> int:
    """The tax inside a price that includes it."""
    return round(gross_cents * rate / (1 + rate))


@dataclass(frozen=True)
class Till:
    """Writes amounts for one customer's currency."""

    currency: str = SHOP_CURRENCY

    def money_set(self, shop_cents: int) -> MoneySet:
        shown = round(shop_cents * RATES[self.currency])
        return {
            "shop_money": {"amount": amount(shop_cents), "currency_code": SHOP_CURRENCY},
            "presentment_money": {"amount": amount(shown), "currency_code": self.currency},
        }

    def both(self, name: str, shop_cents: int) -> dict[str, Any]:
        """The plain field in the shop's currency, and its `_set`."""
        return {name: amount(shop_cents), f"{name}_set": self.money_set(shop_cents)}

    def tax_line(self, title: str, rate: float, tax_cents: int) -> dict[str, Any]:
        return {
            "channel_liable": False,
            "price": amount(tax_cents),
            "price_set": self.money_set(tax_cents),
            "rate": rate,
            "title": title,
        }
