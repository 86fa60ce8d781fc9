"""Money is rounded half up, to the minor unit of its own currency."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailhub.kernel.money import format_money, minor_unit, to_cents


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("1.005", "EUR", "1.01"),
        ("1.004999", "EUR", "1.00"),
        ("-1.005", "EUR", "-1.01"),
        ("0.5", "JPY", "1"),
        ("1234.4", "JPY", "1234"),
        ("1.0005", "KWD", "1.001"),
        ("8420", "EUR", "8420.00"),
        ("2.675", "XXX", "2.68"),
    ],
)
def test_rounds_half_up_to_the_minor_unit(amount: str, currency: str, rounded: str) -> None:
    assert str(to_cents(Decimal(amount), currency)) == rounded


def test_knows_how_small_a_currency_gets() -> None:
    assert minor_unit("EUR") == Decimal("0.01")
    assert minor_unit("JPY") == Decimal(1)
    assert minor_unit("KWD") == Decimal("0.001")


def test_says_an_amount_unambiguously() -> None:
    assert format_money(Decimal("8420"), "EUR") == "8420.00 EUR"


@given(
    st.decimals(min_value=-(10**12), max_value=10**12, places=6),
    st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_rounding_moves_at_most_half_a_unit_and_only_once(amount: Decimal, currency: str) -> None:
    rounded = to_cents(amount, currency)

    assert abs(rounded - amount) <= minor_unit(currency) / 2
    assert to_cents(rounded, currency) == rounded
