"""A field is what it claims to be, or the refusal names it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.systems.base import MappingFailed
from connectors.systems.fields import Fields, parse_moment

LINE = "line_items[2].price"


def fields(**values: Any) -> Fields:
    return Fields(values, "Shopify's order")


def test_a_missing_field_is_named_with_its_whole_path() -> None:
    order = fields(line_items=[{"price": "1"}, {"price": "2"}, {}])

    with pytest.raises(MappingFailed) as caught:
        order.items("line_items")[2].amount("price")

    assert str(caught.value) == "Shopify's order lacks line_items[2].price."
    assert caught.value.context == {"field": LINE}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10.00", "10.00"),
        ("0", "0"),
        (199, "199"),
        (Decimal("195.66"), "195.66"),
        ("10.0000000", "10.0000"),
        (Decimal("1E+3"), "1000.0000"),
        ("999999999999.9999", "999999999999.9999"),
    ],
)
def test_reads_an_amount_to_the_last_digit(value: Any, expected: str) -> None:
    assert str(fields(price=value).amount("price")) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        " 1",
        "1,00",
        "1e3",
        "NaN",
        "Infinity",
        "0x10",
        "1_000",
        "١",
        "--1",
        "1.",
        True,
        1.5,
        [],
        {},
        "-0.01",
        -1,
        "1000000000000",
        Decimal("NaN"),
        Decimal("Infinity"),
        "0.00001",
        10**400,
        Decimal("0.1000000000000000000000000000000000001"),
        "1" * 400,
    ],
)
def test_refuses_an_amount_it_could_not_keep(value: Any) -> None:
    with pytest.raises(MappingFailed, match="price"):
        fields(price=value).amount("price")


def test_reads_a_negative_amount_only_where_one_makes_sense() -> None:
    assert fields(rounding="-0.02").amount("rounding", signed=True) == Decimal("-0.02")


@pytest.mark.parametrize("value", ["2", 2.0, Decimal("2"), True, -1, 1_000_001, None, []])
def test_refuses_a_quantity_that_is_no_whole_number(value: Any) -> None:
    with pytest.raises(MappingFailed, match="quantity"):
        fields(quantity=value).quantity("quantity")


@pytest.mark.parametrize("value", [9120000000000017, "9120000000000017"])
def test_keeps_every_digit_of_a_huge_id(value: Any) -> None:
    assert fields(id=value).identifier("id") == "9120000000000017"


@pytest.mark.parametrize("value", [None, "", True, 1.0, Decimal(1), [], "a" * 81, "a\nb", 10**90])
def test_refuses_what_is_no_id(value: Any) -> None:
    with pytest.raises(MappingFailed, match="id"):
        fields(id=value).identifier("id")


@pytest.mark.parametrize(
    "value", ["2026-11-20T09:30:00+01:00", "2026-11-20T08:30:00Z", "2026-11-20T08:30:00.123456789Z"]
)
def test_reads_a_time_with_its_zone(value: str) -> None:
    assert fields(at=value).moment("at").utcoffset() is not None


@pytest.mark.parametrize("value", ["2026-11-20T09:30:00", "20.11.2026", "", "0001-01-01T00:00:00Z"])
def test_refuses_a_time_without_a_zone_or_sense(value: str) -> None:
    assert parse_moment(value) is None
    with pytest.raises(MappingFailed, match="at "):
        fields(at=value).moment("at")


@pytest.mark.parametrize("value", ["eur", "EURO", "€", 978, "ÄÖÜ"])
def test_refuses_what_is_no_currency(value: Any) -> None:
    with pytest.raises(MappingFailed, match="currency"):
        fields(currency=value).currency("currency")


@pytest.mark.parametrize("value", ["text", {}, 1, [1], [None], [[]], [{}] * 5_001])
def test_refuses_what_is_no_list_of_objects(value: Any) -> None:
    with pytest.raises(MappingFailed, match="line_items"):
        fields(line_items=value).items("line_items")


def test_cuts_a_label_but_not_a_code() -> None:
    long = fields(title="x" * 600, sku="y" * 600)

    assert len(long.label("title", limit=500)) == 500
    with pytest.raises(MappingFailed, match="longer than 120"):
        long.text("sku", "", limit=120)


@pytest.mark.parametrize("payload", [None, [], "text", 1, True])
def test_refuses_a_body_that_is_no_object(payload: Any) -> None:
    with pytest.raises(MappingFailed, match="Shopify's order is not an object"):
        Fields(payload, "Shopify's order")
