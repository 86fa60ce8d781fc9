"""An order that can't be read is refused by the name of the field."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.systems.base import MappingFailed
from connectors.systems.shopify.mapping import read_order
from tests.connectors.systems.shopify.orders import line, order, parsed


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"currency": None}, "Shopify's order lacks currency."),
        ({"line_items": None}, "Shopify's order lacks line_items."),
        ({"updated_at": None}, "Shopify's order lacks updated_at."),
        (
            {"line_items": [line(price=None)]},
            "Shopify's order lacks line_items[0].price.",
        ),
        (
            {"line_items": "none"},
            "Shopify's order can't be read: line_items is not a list but the text 'none'.",
        ),
        (
            {"line_items": [line(quantity="2")]},
            "Shopify's order can't be read: "
            "line_items[0].quantity is not a whole number but the text '2'.",
        ),
        (
            {"line_items": [line(current_quantity=3)]},
            "Shopify's order can't be read: "
            "line_items[0].current_quantity (3) is more than the 2 ordered.",
        ),
        (
            {"line_items": [line(price="1.00")]},
            "Shopify's order can't be read: "
            "line_items[0].discount_allocations (2.98) take off more than the line's price.",
        ),
        (
            {"line_items": [line(), line()]},
            "Shopify's order can't be read: line_items name the line 9310000000000064 2 times.",
        ),
        (
            {"financial_status": "haunted"},
            "Shopify's order can't be read: financial_status is 'haunted', which we don't know.",
        ),
        (
            {"line_items": [line(price="999999999999", quantity=100_000)]},
            "Shopify's order can't be read: line_items add up to more than any order can cost.",
        ),
    ],
)
def test_refuses_by_the_name_of_the_field(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MappingFailed) as caught:
        read_order(parsed(order(**changes)))

    assert str(caught.value) == sentence
