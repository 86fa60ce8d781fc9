"""What may a custom shop send? Described here, read by the custom system's own mapping."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from connectors.systems.custom.mapping import FINANCIAL_STATUS, KINDS
from retailhub.api.shapes import Moment

LINE_KINDS = [(kind, kind.replace("_", " ").capitalize()) for kind in KINDS]
FINANCIAL_STATES = [
    (status, status.replace("_", " ").capitalize()) for status in FINANCIAL_STATUS if status
]


@extend_schema_field({"type": "string", "format": "decimal", "example": "29.90"})
class Amount(serializers.CharField):
    """Decimal text; a JSON number is read as well, digit by digit."""


def _optional(text: str = "", **options: Any) -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, help_text=text, **options)


def _amount(text: str = "") -> Amount:
    return Amount(required=False, default="0", help_text=text)


@extend_schema_serializer(component_name="PlacedOrder")
class PlacedOrder(serializers.Serializer[Any]):
    """A whole order. The parts must add up to `total`; a field we don't know is refused."""

    @extend_schema_serializer(component_name="PlacedOrderLine")
    class Line(serializers.Serializer[Any]):
        @extend_schema_serializer(component_name="PlacedOrderTax")
        class Tax(serializers.Serializer[Any]):
            title = serializers.CharField()
            rate = Amount(help_text="0.19 for 19 %.")
            amount = Amount()

        id = serializers.CharField(max_length=80)
        sku = _optional("Needed for goods.", max_length=120)
        title = _optional(max_length=500)
        kind = serializers.ChoiceField(choices=LINE_KINDS, required=False, default="GOODS")
        quantity = serializers.IntegerField(min_value=1)
        unit_price = Amount()
        discount = _amount("Of the whole line.")
        requires_shipping = serializers.BooleanField(required=False)
        taxes = Tax(many=True, required=False)

    @extend_schema_serializer(component_name="PlacedOrderCustomer")
    class Customer(serializers.Serializer[Any]):
        id = _optional(max_length=80)
        name = _optional()
        email = _optional(max_length=320)
        phone = _optional(max_length=80)
        tags = serializers.ListField(child=serializers.CharField(max_length=80), required=False)

    @extend_schema_serializer(component_name="PlacedOrderAddress")
    class Address(serializers.Serializer[Any]):
        name = _optional()
        company = _optional()
        line1 = _optional()
        line2 = _optional()
        city = _optional()
        region = _optional()
        postal_code = _optional()
        country_code = _optional("ISO 3166, two letters.")
        phone = _optional()

    id = serializers.CharField(max_length=80, help_text="The shop's own id; one order per id.")
    number = _optional("What the customer sees; the id, if left out.", max_length=80)
    placed_at = Moment(help_text="With its zone.")
    updated_at = Moment(required=False, help_text="A later one replaces what we have.")
    currency = serializers.CharField(min_length=3, max_length=3, help_text="ISO 4217.")
    total = Amount()
    lines = Line(many=True)
    taxes_included = serializers.BooleanField(required=False, default=False)
    shipping_total = _amount("After its discounts.")
    tax_total = _amount("The lines' taxes, if left out.")
    tip_total = _amount()
    duties_total = _amount()
    difference = _amount("What the parts lack to the total; needs `difference_reason`.")
    difference_reason = _optional(max_length=200)
    presentment_currency = _optional()
    presentment_total = _amount()
    financial_status = serializers.ChoiceField(choices=FINANCIAL_STATES, required=False)
    cancelled_at = Moment(required=False, allow_null=True)
    cancel_reason = _optional(max_length=200)
    is_test = serializers.BooleanField(required=False, default=False)
    customer = Customer(required=False, allow_null=True)
    ship_to = Address(required=False, allow_null=True)
    bill_to = Address(required=False, allow_null=True)
    shipping_method = _optional(max_length=120)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    note = _optional(max_length=10_000)
    reservation = _optional(
        "The `reference` of a reservation that this order takes over: what it holds is the order's,"
        " the rest is free again. What it doesn't hold, or not any more, is reserved as usual.",
        max_length=50,
    )
    extension = serializers.DictField(child=serializers.CharField(), required=False)


EXAMPLE = OpenApiExample(
    "Two mugs, shipped",
    value={
        "id": "A-1001",
        "placed_at": "2026-11-20T09:30:00+01:00",
        "currency": "EUR",
        "total": "64.70",
        "taxes_included": True,
        "tax_total": "10.33",
        "shipping_total": "4.90",
        "lines": [
            {
                "id": "1",
                "sku": "MUG-BLUE",
                "title": "Mug",
                "quantity": 2,
                "unit_price": "29.90",
                "taxes": [{"title": "DE 19 %", "rate": "0.19", "amount": "9.55"}],
            }
        ],
        "ship_to": {
            "name": "Kim Example",
            "line1": "Example Street 1",
            "city": "Berlin",
            "postal_code": "10115",
            "country_code": "DE",
        },
        "shipping_method": "STANDARD",
    },
    request_only=True,
)
