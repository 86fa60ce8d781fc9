"""An order and a shipment as the hub hands them to an ERP."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

ORDER: dict[str, Any] = {
    "reference": "shopify-de-9120000000000017",
    "number": "#1017",
    "channel": "shopify-de",
    "currency": "EUR",
    "placed_at": "2026-11-20T10:29:57+01:00",
    "taxes_included": True,
    "customer": {"external_id": "7", "name": "Ada Vogel", "email": "ada@example.com", "phone": ""},
    "ship_to": {
        "name": "Ada Vogel",
        "company": "",
        "line1": "Am Markt 1",
        "line2": "",
        "city": "Berlin",
        "region": "",
        "postal_code": "10178",
        "country_code": "DE",
        "phone": "",
    },
    "bill_to": None,
    "shipping_method": "standard",
    "lines": [
        {
            "reference": "order:5:64",
            "external_id": "64",
            "sku": "MUG-BLUE",
            "title": "Stoneware mug, blue",
            "kind": "GOODS",
            "quantity": 2,
            "unit_price": "14.90",
            "discount": "2.98",
            "tax": "4.28",
            "total": "26.82",
            "tax_code": "DE VAT",
        },
        {
            "reference": "order:5:65",
            "external_id": "65",
            "sku": "TEAPOT-1L",
            "title": "Teapot 1 l",
            "kind": "GOODS",
            "quantity": 1,
            "unit_price": "49.90",
            "discount": "4.99",
            "tax": "7.17",
            "total": "44.91",
            "tax_code": "DE VAT",
        },
    ],
    "discount_total": "7.97",
    "shipping_total": "4.90",
    "tax_total": "12.23",
    "tip_total": "0",
    "duties_total": "0",
    "difference": "0",
    "total": "76.63",
}
SHIPMENT: dict[str, Any] = {
    "order_reference": ORDER["reference"],
    "reference": "shopify-de-9120000000000017-F1-S1",
    "shipped_at": "2026-11-21T10:00:00+00:00",
    "tracking": {"carrier": "DHL", "number": "00340", "url": ""},
    "lines": [{"reference": "order:5:65", "sku": "TEAPOT-1L", "quantity": 1}],
}


def order(**changes: Any) -> dict[str, Any]:
    return deepcopy(ORDER) | changes


def extra_line(**changes: Any) -> dict[str, Any]:
    return {
        "reference": "order:5:66",
        "external_id": "66",
        "sku": "",
        "title": "Gift wrapping",
        "kind": "CUSTOM",
        "quantity": 1,
        "unit_price": "4.50",
        "discount": "0",
        "tax": "0",
        "total": "4.50",
        "tax_code": "",
    } | changes
