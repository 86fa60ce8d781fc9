"""How does an order look in the API? Nothing personal: a shop knows its own customers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from orders.lifecycle import OrderState
from orders.models import FulfillmentOrder, Order, OrderLine, Refund, Shipment
from retailhub.api.shapes import Moment, Money, moment, money_of

STATES = [(state.value, state.value.capitalize()) for state in OrderState]


@extend_schema_serializer(component_name="Hold")
class Hold(serializers.Serializer[Any]):
    """Why an order does not go on."""

    code = serializers.CharField()
    detail = serializers.CharField()


@extend_schema_serializer(component_name="OrderSummary")
class OrderSummary(serializers.Serializer[Any]):
    """One row of the list."""

    reference = serializers.CharField(help_text="What we call it everywhere.")
    external_id = serializers.CharField(help_text="What the shop calls it.")
    number = serializers.CharField(help_text="What the customer calls it.")
    state = serializers.ChoiceField(choices=STATES)
    is_partial = serializers.BooleanField(help_text="Some of it is further than the state says.")
    customer_status = serializers.CharField(help_text="The words for the customer.")
    hold = Hold(allow_null=True, help_text="Null while it goes on.")
    total = Money()
    placed_at = Moment()
    accepted_at = Moment()
    delivered_at = Moment(allow_null=True)
    cancelled_at = Moment(allow_null=True)
    trace_id = serializers.UUIDField()
    url = serializers.URLField()


def order_url(request: Request, reference: str) -> str:
    """Where an order is found."""
    return reverse("api:order", kwargs={"reference": reference}, request=request)


def summary_of(order: Order, request: Request) -> dict[str, Any]:
    """The shape of `OrderSummary`."""
    hold = {"code": order.held_for, "detail": order.hold_detail} if order.held_for else None
    return {
        "reference": order.reference,
        "external_id": order.external_id,
        "number": order.number,
        "state": order.state,
        "is_partial": order.is_partial,
        "customer_status": order.customer_status,
        "hold": hold,
        "total": money_of(order.total, order.currency),
        "placed_at": moment(order.placed_at),
        "accepted_at": moment(order.accepted_at),
        "delivered_at": moment(order.delivered_at),
        "cancelled_at": moment(order.cancelled_at),
        "trace_id": str(order.trace_id),
        "url": order_url(request, order.reference),
    }


def line_of(line: OrderLine, currency: str) -> dict[str, Any]:
    """One line; `item` is our SKU, `sku` the shop's spelling."""
    return {
        "external_id": line.external_id,
        "kind": line.kind,
        "sku": line.sku,
        "item": line.item.sku if line.item else None,
        "title": line.title,
        "quantity": line.quantity,
        "unit_price": money_of(line.unit_price, currency),
        "discount": money_of(line.discount, currency),
        "tax": money_of(line.tax, currency),
        "total": money_of(line.total, currency),
    }


def fulfillment_of(part: FulfillmentOrder) -> dict[str, Any]:
    """What one node sends, and what it has sent."""
    return {
        "reference": part.reference,
        "location": part.location.code,
        "work_status": part.work_status,
        "request_status": part.request_status,
        "progress": part.progress,
        "shipments": [shipment_of(parcel) for parcel in part.shipments.all()],
    }


def shipment_of(parcel: Shipment) -> dict[str, Any]:
    """One parcel."""
    return {
        "external_id": parcel.external_id,
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
        "tracking_url": parcel.tracking_url,
        "shipped_at": moment(parcel.shipped_at),
        "delivered_at": moment(parcel.delivered_at),
        "lines": [
            {"line": line.order_line.external_id, "quantity": line.quantity}
            for line in parcel.lines.all()
        ],
    }


def refund_of(refund: Refund) -> dict[str, Any]:
    """Money given back."""
    return {
        "external_id": refund.external_id,
        "amount": money_of(refund.amount, refund.currency),
        "refunded_at": moment(refund.refunded_at),
    }
