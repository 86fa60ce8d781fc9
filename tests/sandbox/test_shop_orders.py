"""Orders are believable, and add up."""

from dataclasses import replace

import pytest

from retailhub.sandbox.shop.basket import PLAIN_MIX, Mix
from retailhub.sandbox.shop.money import amount, cents
from retailhub.sandbox.shop.orders import Asked, Order, build_order

ALL_KINDS = Mix(*([0.3] * 13))


def orders(count: int, mix: Mix = ALL_KINDS) -> list[Order]:
    return [build_order(Asked(number, f"seed:{number}", mix)) for number in range(1, count + 1)]


def test_the_same_seed_makes_the_same_order() -> None:
    first, again, other = [build_order(Asked(1, seed, ALL_KINDS)) for seed in ("a:1", "a:1", "a:2")]

    times = ("created_at", "updated_at", "processed_at", "customer")
    assert {k: v for k, v in first.items() if k not in times} == {
        k: v for k, v in again.items() if k not in times
    }
    assert other["line_items"] != first["line_items"]


def test_every_order_adds_up_to_the_cent() -> None:
    for order in orders(300):
        lines = sum(cents(line["price"]) * line["quantity"] for line in order["line_items"])
        discounts = sum(
            cents(part["amount"])
            for line in order["line_items"]
            for part in line["discount_allocations"]
        )
        shipping = sum(cents(line["price"]) for line in order["shipping_lines"])
        taxes = [
            cents(tax["price"])
            for line in [*order["line_items"], *order["shipping_lines"]]
            for tax in line["tax_lines"]
        ]

        assert cents(order["total_line_items_price"]) == lines
        assert cents(order["total_discounts"]) == discounts
        assert cents(order["subtotal_price"]) == lines - discounts
        total = lines - discounts + shipping + cents(order["total_tip_received"])
        assert cents(order["total_price"]) == total
        assert cents(order["total_tax"]) == sum(taxes)


def test_the_mix_brings_every_trap() -> None:
    placed = orders(300)

    assert any(order["id"] > 2**53 for order in placed)
    assert any(order["id"] < 2**53 for order in placed)
    assert any(order["test"] for order in placed)
    assert any(order["customer"] is None for order in placed)
    assert any(order["billing_address"] is None for order in placed)
    assert any(order["shipping_address"] is None for order in placed)
    assert any(order["presentment_currency"] == "USD" for order in placed)
    assert any(order["financial_status"] == "pending" for order in placed)
    lines = [line for order in placed for line in order["line_items"]]
    assert any(line["sku"] is None for line in lines)
    assert any(line["gift_card"] for line in lines)


def test_a_plain_mix_has_no_trap() -> None:
    for order in orders(100, PLAIN_MIX):
        assert not order["test"]
        assert order["customer"]
        assert order["shipping_address"]
        assert order["financial_status"] == "paid"
        assert all(line["sku"] for line in order["line_items"])


def test_presentment_money_is_another_currency_and_another_amount() -> None:
    mix = replace(PLAIN_MIX, presentment_usd=1.0)

    sets = [order["total_price_set"] for order in orders(20, mix)]

    assert {money["presentment_money"]["currency_code"] for money in sets} == {"USD"}
    assert all(
        money["presentment_money"]["amount"] != money["shop_money"]["amount"] for money in sets
    )


@pytest.mark.parametrize("value", [0, 5, 99, 100, 123456, -250])
def test_money_is_read_back_as_written(value: int) -> None:
    assert cents(amount(value)) == value
