"""An order of Shopify reads the same to the cent."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.systems.shopify.mapping import read_order
from orders.canonical import (
    CanonicalAddress,
    CanonicalCustomer,
    LineKind,
)
from tests.connectors.systems.shopify.orders import line, order, parsed, read, shop_money

D = Decimal


ZERO = D(0)


def test_reads_a_whole_order() -> None:
    found = read()

    assert (found.external_id, found.number) == ("9120000000000017", "#1017")
    assert found.placed_at == datetime.fromisoformat("2026-11-20T10:29:57+01:00")
    assert found.version == datetime.fromisoformat("2026-11-20T10:30:01+01:00")
    assert (found.currency, found.total) == ("EUR", D("76.63"))
    assert (found.presentment_currency, found.presentment_total) == ("USD", D("82.91"))
    assert (found.shipping_total, found.tax_total, found.discount_total) == (
        D("4.90"),
        D("12.23"),
        D("7.97"),
    )
    assert (found.financial_status, found.is_test, found.shipping_method) == (
        "PAID",
        False,
        "standard",
    )
    assert found.customer == CanonicalCustomer(
        external_id="7070000000001", name="Ada Vogel", email="ada@example.com"
    )
    assert found.ship_to == CanonicalAddress(
        name="Ada Vogel",
        line1="Am Markt 1",
        line2="c/o Nachbarn",
        city="Berlin",
        postal_code="10178",
        country_code="DE",
    )
    assert (found.bill_to, found.tags) == (None, ("gift", "first order"))
    assert found.extension == {"source_name": "web"}
    mugs = found.lines[0]
    assert (mugs.external_id, mugs.sku, mugs.quantity) == ("9310000000000064", "MUG-BLUE", 2)
    assert (mugs.unit_price, mugs.discount, mugs.tax, mugs.total) == (
        D("14.90"),
        D("2.98"),
        D("4.28"),
        D("26.82"),
    )
    assert (mugs.kind, mugs.requires_shipping) == (LineKind.GOODS, True)
    assert (mugs.taxes[0].title, mugs.taxes[0].rate) == ("DE VAT", D("0.19"))


def test_adds_the_tax_where_prices_are_without_it() -> None:
    found = read(taxes_included=False, total_price="88.86")

    assert (found.difference, found.tax_total) == (ZERO, D("12.23"))


def test_sums_the_tax_lines_where_the_total_is_null() -> None:
    taxes = [{"title": "DE VAT", "rate": 0.19, "price": "12.23"}]

    assert read(total_tax=None, tax_lines=taxes).tax_total == D("12.23")


def test_takes_the_lines_own_discount_where_nothing_is_allocated() -> None:
    mugs = line(discount_allocations=[], total_discount="2.98")

    found = read(line_items=[mugs, order()["line_items"][1]])

    assert found.lines[0].discount == D("2.98")


def test_takes_off_what_is_off_shipping() -> None:
    free = order()["shipping_lines"][0] | {"discount_allocations": [{"amount": "4.90"}]}

    found = read(shipping_lines=[free], total_price="71.73", total_discounts="12.87")

    assert (found.shipping_total, found.discount_total) == (ZERO, D("12.87"))


def test_takes_the_discounted_price_where_nothing_is_allocated() -> None:
    cheaper = order()["shipping_lines"][0] | {"discounted_price": "2.90"}

    assert read(shipping_lines=[cheaper], total_price="74.63").shipping_total == D("2.90")


def test_leaves_out_a_shipping_line_that_was_removed() -> None:
    gone = order()["shipping_lines"][0] | {"is_removed": True}

    found = read(shipping_lines=[gone], total_price="71.73")

    assert (found.shipping_total, found.shipping_method) == (ZERO, "")


def test_reads_a_body_from_before_there_were_sets() -> None:
    old = order()
    for name in ("total_price_set", "presentment_currency", "total_tip_received", "processed_at"):
        del old[name]
    for item in old["line_items"]:
        del item["current_quantity"]

    found = read_order(parsed(old))

    assert (found.difference, found.presentment_currency, found.presentment_total) == (
        ZERO,
        "",
        ZERO,
    )
    assert found.placed_at == datetime.fromisoformat("2026-11-20T10:29:58+01:00")
    assert found.lines[0].removed_quantity == 0


@pytest.mark.parametrize(
    ("changes", "difference", "reason"),
    [
        (
            {"total_price": "66.63", "total_discounts": "17.97"},
            "-10.00",
            "Discount not spread over the lines: -10.00 EUR",
        ),
        (
            {
                "total_price": "76.65",
                "total_cash_rounding_payment_adjustment_set": shop_money("0.02"),
            },
            "0.02",
            "Cash rounding: 0.02 EUR",
        ),
        (
            {"total_price": "79.13", "original_total_additional_fees_set": shop_money("2.50")},
            "2.50",
            "Additional fees: 2.50 EUR",
        ),
        (
            {"shipping_lines": [], "total_shipping_price_set": shop_money("4.90")},
            "4.90",
            "Shipping without a shipping line: 4.90 EUR",
        ),
        (
            {"total_price": "70.00"},
            "-6.63",
            "Shopify says 70.00 EUR, its parts add up to 76.63 EUR",
        ),
    ],
)
def test_gives_every_cent_that_is_missing_a_name(
    changes: dict[str, Any], difference: str, reason: str
) -> None:
    found = read(**changes)

    assert (found.difference, found.difference_reason) == (D(difference), reason)


def test_counts_a_tip_once_where_it_is_a_line_as_well() -> None:
    tip = line(
        id=3,
        price="5.00",
        quantity=1,
        current_quantity=1,
        sku=None,
        variant_id=None,
        tip_payment_gateway="shopify_payments",
        discount_allocations=[],
        tax_lines=[],
    )

    as_line = read(
        line_items=[*order()["line_items"], tip], total_tip_received="5.00", total_price="81.63"
    )
    beside = read(total_tip_received="5.00", total_price="81.63")

    assert (as_line.tip_total, as_line.lines[2].kind) == (ZERO, LineKind.SERVICE)
    assert (beside.tip_total, beside.difference) == (D("5.00"), ZERO)


@pytest.mark.parametrize(
    ("is_included", "total", "expected"), [(False, "80.63", "4.00"), (True, "76.63", "0")]
)
def test_adds_duties_only_where_prices_do_not_hold_them(
    is_included: bool, total: str, expected: str
) -> None:
    found = read(
        original_total_duties_set=shop_money("4.00"),
        duties_included=is_included,
        total_price=total,
    )

    assert (found.duties_total, found.difference) == (D(expected), ZERO)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, LineKind.GOODS),
        ({"sku": None}, LineKind.GOODS),
        ({"sku": ""}, LineKind.GOODS),
        ({"gift_card": True, "requires_shipping": False}, LineKind.GIFT_CARD),
        ({"variant_id": None, "sku": None}, LineKind.CUSTOM),
        ({"variant_id": None, "sku": "MUG-BLUE"}, LineKind.GOODS),
        ({"requires_shipping": False}, LineKind.SERVICE),
    ],
)
def test_knows_goods_from_the_rest(changes: dict[str, Any], kind: LineKind) -> None:
    found = read(line_items=[line(**changes), order()["line_items"][1]])

    assert found.lines[0].kind is kind
    assert found.lines[0].sku == (changes.get("sku", "MUG-BLUE") or "")


def test_remembers_units_that_were_taken_off() -> None:
    found = read(line_items=[line(current_quantity=0), order()["line_items"][1]])

    assert (found.lines[0].quantity, found.lines[0].removed_quantity) == (2, 2)


@pytest.mark.parametrize("customer", [None, {}])
def test_a_guest_is_whoever_left_an_address_to_write_to(customer: Any) -> None:
    assert read(customer=customer).customer == CanonicalCustomer(email="ada@example.com")
    assert read(customer=customer, email="").customer is None


def test_reads_a_cancelled_test_order() -> None:
    found = read(
        cancelled_at="2026-11-20T11:00:00+01:00",
        cancel_reason="customer",
        test=True,
        financial_status="voided",
    )

    assert (found.cancel_reason, found.is_test, found.financial_status) == (
        "customer",
        True,
        "VOIDED",
    )
    assert found.cancelled_at == datetime.fromisoformat("2026-11-20T11:00:00+01:00")
