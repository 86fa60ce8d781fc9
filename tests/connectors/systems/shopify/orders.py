"""A believable order of our own in Shopify's shape, and ways to change it."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from connectors.systems.shopify.difference import sum_of_parts
from connectors.systems.shopify.mapping import read_order
from orders.canonical import CanonicalOrder
from retailhub.kernel.json import read_json


def order(**changes: Any) -> dict[str, Any]:
    """2 mugs and a teapot, ten percent off, 4.90 shipping, 19 % tax inside."""
    return deepcopy(ORDER) | changes


def line(**changes: Any) -> dict[str, Any]:
    return deepcopy(MUGS) | changes


def shop_money(amount: str, currency: str = "EUR") -> dict[str, Any]:
    return {"shop_money": {"amount": amount, "currency_code": currency}}


MUGS: dict[str, Any] = {
    "id": 9310000000000064,
    "variant_id": 45120000000131,
    "product_id": 8310000000097,
    "sku": "MUG-BLUE",
    "name": "Stoneware mug, blue",
    "quantity": 2,
    "current_quantity": 2,
    "price": "14.90",
    "total_discount": "0.00",
    "gift_card": False,
    "requires_shipping": True,
    "discount_allocations": [{"amount": "2.98", "discount_application_index": 0}],
    "tax_lines": [{"title": "DE VAT", "rate": 0.19, "price": "4.28"}],
}
TEAPOT: dict[str, Any] = MUGS | {
    "id": 9310000000000065,
    "sku": "TEAPOT-1L",
    "name": "Teapot 1 l",
    "quantity": 1,
    "current_quantity": 1,
    "price": "49.90",
    "discount_allocations": [{"amount": "4.99", "discount_application_index": 0}],
    "tax_lines": [{"title": "DE VAT", "rate": 0.19, "price": "7.17"}],
}
ORDER: dict[str, Any] = {
    "id": 9120000000000017,
    "name": "#1017",
    "order_number": 1017,
    "created_at": "2026-11-20T10:29:58+01:00",
    "processed_at": "2026-11-20T10:29:57+01:00",
    "updated_at": "2026-11-20T10:30:01+01:00",
    "currency": "EUR",
    "presentment_currency": "USD",
    "total_price": "76.63",
    "total_price_set": {
        "shop_money": {"amount": "76.63", "currency_code": "EUR"},
        "presentment_money": {"amount": "82.91", "currency_code": "USD"},
    },
    "subtotal_price": "71.73",
    "total_discounts": "7.97",
    "total_tax": "12.23",
    "taxes_included": True,
    "total_tip_received": "0.00",
    "financial_status": "paid",
    "fulfillment_status": None,
    "cancelled_at": None,
    "cancel_reason": None,
    "test": False,
    "email": "ada@example.com",
    "phone": None,
    "note": "Ring twice",
    "tags": "gift, first order",
    "source_name": "web",
    "customer": {"id": 7070000000001, "first_name": "Ada", "last_name": "Vogel", "email": None},
    "shipping_address": {
        "name": "Ada Vogel",
        "company": None,
        "address1": "Am Markt 1",
        "address2": "c/o Nachbarn",
        "city": "Berlin",
        "province": None,
        "province_code": None,
        "zip": "10178",
        "country_code": "DE",
        "phone": None,
    },
    "billing_address": None,
    "line_items": [MUGS, TEAPOT],
    "shipping_lines": [
        {
            "id": 5010000000017,
            "code": "standard",
            "title": "Standard",
            "price": "4.90",
            "discounted_price": "4.90",
            "discount_allocations": [],
            "tax_lines": [{"title": "DE VAT", "rate": 0.19, "price": "0.78"}],
        }
    ],
    "refunds": [],
}
REFUND: dict[str, Any] = {
    "id": 880000000000001,
    "order_id": 9120000000000017,
    "created_at": "2026-11-21T09:00:00+01:00",
    "processed_at": None,
    "note": "One arrived broken",
    "refund_line_items": [
        {"id": 1, "line_item_id": 9310000000000064, "quantity": 1, "subtotal": 13.41},
        {"id": 2, "line_item_id": 9310000000000064, "quantity": 1, "subtotal": 13.41},
    ],
    "transactions": [
        {"id": 5, "kind": "refund", "status": "success", "amount": "13.41", "currency": "EUR"},
        {"id": 6, "kind": "refund", "status": "pending", "amount": "1.00", "currency": "EUR"},
        {"id": 7, "kind": "refund", "status": "failure", "amount": "9.00", "currency": "EUR"},
        {"id": 8, "kind": "sale", "status": "success", "amount": "76.63", "currency": "EUR"},
    ],
}


def parsed(payload: Any) -> Any:
    """As it comes through the door."""
    return read_json(json.dumps(payload).encode())


def read(**changes: Any) -> CanonicalOrder:
    """The order with these changes, as it is read; its parts add up to its total."""
    found = read_order(parsed(order(**changes)))
    assert sum_of_parts(found) + found.difference == found.total
    assert bool(found.difference) == bool(found.difference_reason)
    return found
