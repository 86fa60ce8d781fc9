"""NetSuite adds up what we send to the order's total, whatever is in the order."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.systems.netsuite.mapping import (
    describe,
    is_closed,
    number,
    sent_codes,
    total_of,
    write_closing,
    write_item_fulfillment,
    write_sales_order,
)
from tests.connectors.systems.conftest import Codes
from tests.connectors.systems.netsuite.payloads import ORDER, SHIPMENT, extra_line, order

D = Decimal
SETTINGS = {"customer_id": 1001}


def write(payload: dict[str, Any], **settings: Any) -> dict[str, Any]:
    rows = {
        ("SKU", "TEAPOT-1L"): "TEAPOT",
        ("TAX_CODE", "DE VAT"): "101",
        ("SHIPPING_METHOD", "standard"): "3",
        ("SKU", "TIP"): "SERVICE-TIP",
    }
    return write_sales_order(payload, Codes(rows), SETTINGS | settings)


def test_writes_a_whole_order() -> None:
    assert write(ORDER) == {
        "entity": {"id": "1001"},
        "otherRefNum": "#1017",
        "memo": "shopify-de #1017",
        "tranDate": "2026-11-20",
        "shippingCost": 4.12,
        "shipMethod": {"id": "3"},
        "email": "ada@example.com",
        "shippingAddress": {
            "addressee": "Ada Vogel",
            "addr1": "Am Markt 1",
            "city": "Berlin",
            "zip": "10178",
            "country": {"id": "DE"},
        },
        "item": {
            "items": [
                {
                    "line": 1,
                    "item": {"externalId": "MUG-BLUE"},
                    "quantity": 2,
                    "price": {"id": "-1"},
                    "amount": 22.54,
                    "description": "Stoneware mug, blue [order:5:64]",
                    "taxDetailsReference": "line-1",
                },
                {
                    "line": 2,
                    "item": {"externalId": "TEAPOT"},
                    "quantity": 1,
                    "price": {"id": "-1"},
                    "amount": 37.74,
                    "description": "Teapot 1 l [order:5:65]",
                    "taxDetailsReference": "line-2",
                },
            ]
        },
        "taxDetailsOverride": True,
        "taxDetails": {
            "items": [
                {
                    "taxDetailsReference": "line-1",
                    "taxBasis": 22.54,
                    "taxAmount": 4.28,
                    "taxCode": {"id": "101"},
                },
                {
                    "taxDetailsReference": "line-2",
                    "taxBasis": 37.74,
                    "taxAmount": 7.17,
                    "taxCode": {"id": "101"},
                },
                {"taxDetailsReference": "shipping", "taxAmount": 0.78},
            ]
        },
    }
    assert total_of(write(ORDER)) == D("76.63")


@pytest.mark.parametrize(
    ("changes", "extra"),
    [
        ({"taxes_included": False, "total": "88.86"}, []),
        ({"tip_total": "3.00", "total": "79.63"}, ["SERVICE-TIP"]),
        ({"duties_total": "9.99", "total": "86.62"}, ["DUTIES"]),
        ({"difference": "-10.00", "total": "66.63"}, ["DIFFERENCE"]),
        (
            {"tip_total": "3.00", "difference": "0.02", "total": "79.65"},
            ["SERVICE-TIP", "DIFFERENCE"],
        ),
        ({"shipping_total": "0", "tax_total": "11.45", "total": "71.73"}, []),
        ({"shipping_total": "0", "total": "71.73"}, []),
        ({"tax_total": "0", "total": "76.63"}, []),
    ],
)
def test_the_total_is_the_orders(changes: dict[str, str], extra: list[str]) -> None:
    written = write(order(**changes))

    assert total_of(written) == D(changes["total"])
    codes = [line["item"]["externalId"] for line in written["item"]["items"]]
    assert codes == ["MUG-BLUE", "TEAPOT", *extra]


amounts = st.decimals(0, 10_000, places=2).map(str)


NAMES = ("shipping_total", "tax_total", "tip_total", "duties_total", "total")


@given(st.fixed_dictionaries(dict.fromkeys(NAMES, amounts)), amounts, amounts, st.booleans())
def test_the_total_is_the_orders_for_any_amounts(
    sums: dict[str, str], line_total: str, line_tax: str, is_included: bool
) -> None:
    lines = [extra_line(total=line_total, tax=line_tax)]

    written = write(order(lines=lines, taxes_included=is_included, **sums))

    total = sums["total"]
    assert total_of(written) == D(total)
    assert written["shippingCost"] >= 0
    sent = json.loads(json.dumps(written), parse_float=D, parse_int=D)
    assert total_of(sent) == D(total), "what the wire says is the same to the digit"


@given(st.decimals(-(10**10), 10**10, places=4))
def test_a_number_on_the_wire_is_the_amount(amount: Decimal) -> None:
    assert D(json.dumps(number(amount))) == amount


def test_lines_without_a_sku_ask_for_an_item_by_what_they_are() -> None:
    payload = order(
        lines=[
            extra_line(),
            extra_line(kind="GIFT_CARD"),
            extra_line(kind="SERVICE"),
            extra_line(kind="GIFT_CARD", sku="CARD-25"),
            extra_line(quantity=0),
        ],
        tip_total="1.00",
    )

    codes = [line["item"]["externalId"] for line in write(payload)["item"]["items"]]

    assert codes == ["CUSTOM", "GIFT-CARD", "SERVICE", "CARD-25", "SERVICE-TIP", "DIFFERENCE"]
    assert sent_codes(payload) == ["CUSTOM", "GIFT-CARD", "SERVICE", "CARD-25", "TIP", "DIFFERENCE"]


def test_leaves_out_what_the_order_does_not_know() -> None:
    written = write(order(shipping_method="", customer=None, ship_to=None))

    assert not {"shipMethod", "email", "shippingAddress", "billingAddress", "currency"} & set(
        written
    )


def test_names_the_currency_where_the_connection_knows_its_id() -> None:
    assert write(ORDER, currency_ids={"EUR": 4})["currency"] == {"id": "4"}


def sales_order(**changes: Any) -> dict[str, Any]:
    lines = [
        {
            "line": place,
            "item": {"id": str(place)},
            "quantity": "1.0",
            "amount": "37.74",
            "description": describe(line),
            "quantityFulfilled": 0,
        }
        for place, line in enumerate(ORDER["lines"], start=1)
    ]
    return {"id": "10032", "orderStatus": {"id": "B"}, "item": {"items": lines}} | changes


def test_ships_only_the_lines_that_left() -> None:
    assert write_item_fulfillment(SHIPMENT, sales_order()) == {
        "externalId": "shopify-de-9120000000000017-F1-S1",
        "tranDate": "2026-11-21",
        "shipStatus": {"id": "C"},
        "item": {
            "items": [
                {"orderLine": 1, "itemReceive": False},
                {"orderLine": 2, "itemReceive": True, "quantity": 1},
            ]
        },
        "package": {"items": [{"packageTrackingNumber": "00340", "packageDescr": "DHL"}]},
    }


def test_ships_nothing_that_the_sales_order_does_not_hold() -> None:
    stranger = SHIPMENT | {"lines": [{"reference": "order:5:99", "sku": "X", "quantity": 1}]}

    with pytest.raises(LookupError, match="order:5:99"):
        write_item_fulfillment(stranger, sales_order())


def test_closes_every_line_as_it_stands() -> None:
    written = write_closing({"reference": "x", "reason": "customer"}, sales_order())

    assert written["memo"] == "Cancelled: customer"
    assert written["item"]["items"][1] == {
        "line": 2,
        "item": {"id": "2"},
        "description": "Teapot 1 l [order:5:65]",
        "quantity": 1,
        "amount": 37.74,
        "isClosed": True,
    }


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (sales_order(), False),
        (sales_order(orderStatus={"id": "H"}), True),
        (sales_order(orderStatus={"id": "C"}), True),
        (sales_order(item={"items": [{"isClosed": True}]}), True),
        (sales_order(item={"items": [{"isClosed": True}, {}]}), False),
        ({}, False),
    ],
)
def test_knows_a_closed_order(record: dict[str, Any], expected: bool) -> None:
    assert is_closed(record) is expected
