"""Which orders does this shop have, and how far are they?"""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.models import ApiKey
from connectors.services.api_keys import Scope
from orders.models import FulfillmentOrder, Order, OrderLine, Refund, Shipment, ShipmentLine
from retailhub.api.authentication import needs
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.order_shapes import (
    STATES,
    OrderSummary,
    fulfillment_of,
    line_of,
    refund_of,
    summary_of,
)
from retailhub.api.paging import page_of
from retailhub.api.shapes import Moment, Money, Page, PageQuery, money_of
from retailhub.api.view import HubView

# Large, personal or of no use to a shop: not even read.
_UNREAD = ("ship_to", "bill_to", "note", "tags", "extension", "sourcing")


def orders_of(key: ApiKey) -> QuerySet[Order]:
    """The orders of the channel that `key` speaks for."""
    if key.connection.channel_id is None:
        return Order.objects.none()
    return Order.objects.filter(channel_id=key.connection.channel_id).defer(*_UNREAD)


def order_of(key: ApiKey, reference: str) -> Order:
    """The order. Raises `NotFound` for another channel's as for none at all."""
    # A text that no column can hold names nothing.
    found = None if "\x00" in reference else orders_of(key).filter(reference=reference).first()
    if found is None:
        raise NotFound(f"There is no order {reference[:160]} that this key can see.")
    return found


class ListOrders(HubView):
    """Newest first, page by page."""

    @extend_schema_serializer(component_name="OrderQuery")
    class Query(PageQuery):
        """Filters; all of them must hold."""

        external_id = serializers.CharField(required=False, max_length=80)
        number = serializers.CharField(required=False, max_length=80)
        state = serializers.ChoiceField(required=False, choices=STATES)

    @extend_schema_serializer(component_name="OrderPage")
    class Output(Page):
        """A page of orders."""

        results = OrderSummary(many=True)

    @extend_schema(
        operation_id="listOrders",
        summary="List orders",
        tags=["orders"],
        parameters=[Query, *RATE_HEADERS],
        responses={200: Output, **problems(400)},
    )
    @needs(Scope.ORDERS_READ)
    def get(self, request: Request) -> Response:
        """The orders of the key's channel, newest first."""
        asked = self.asked(self.Query)
        limit, cursor = asked.pop("limit"), asked.pop("cursor", "")
        rows, following = page_of(orders_of(self.key).filter(**asked), cursor=cursor, limit=limit)
        results = [summary_of(order, request) for order in rows]
        return Response({"results": results, "next_cursor": following})


class ShowOrder(HubView):
    """Everything about one order that its shop may know."""

    @extend_schema_serializer(component_name="Order")
    class Output(OrderSummary):
        """The order with its lines, parcels and refunds."""

        @extend_schema_serializer(component_name="OrderLine")
        class Line(serializers.Serializer[Any]):
            external_id = serializers.CharField()
            kind = serializers.CharField()
            sku = serializers.CharField(help_text="As the shop spells it.")
            item = serializers.CharField(allow_null=True, help_text="Our SKU.")
            title = serializers.CharField()
            quantity = serializers.IntegerField()
            unit_price = Money()
            discount = Money()
            tax = Money()
            total = Money()

        @extend_schema_serializer(component_name="Fulfillment")
        class Fulfillment(serializers.Serializer[Any]):
            @extend_schema_serializer(component_name="Shipment")
            class Parcel(serializers.Serializer[Any]):
                @extend_schema_serializer(component_name="ShipmentLine")
                class Part(serializers.Serializer[Any]):
                    line = serializers.CharField(help_text="The line's external_id.")
                    quantity = serializers.IntegerField()

                external_id = serializers.CharField()
                carrier = serializers.CharField()
                tracking_number = serializers.CharField()
                tracking_url = serializers.CharField()
                shipped_at = Moment()
                delivered_at = Moment(allow_null=True)
                lines = Part(many=True)

            reference = serializers.CharField()
            location = serializers.CharField()
            work_status = serializers.CharField()
            request_status = serializers.CharField()
            progress = serializers.CharField()
            shipments = Parcel(many=True)

        @extend_schema_serializer(component_name="Refund")
        class Refunded(serializers.Serializer[Any]):
            external_id = serializers.CharField()
            amount = Money()
            refunded_at = Moment()

        shipping_total = Money()
        discount_total = Money()
        tax_total = Money()
        lines = Line(many=True)
        fulfillments = Fulfillment(many=True)
        refunds = Refunded(many=True)

    @extend_schema(
        operation_id="showOrder",
        summary="Show an order",
        tags=["orders"],
        parameters=RATE_HEADERS,
        responses={200: Output, **problems(404)},
    )
    @needs(Scope.ORDERS_READ)
    def get(self, request: Request, reference: str) -> Response:
        """One order of the key's channel, by our reference."""
        order = order_of(self.key, reference)
        parcels = Shipment.objects.order_by("pk").prefetch_related(
            Prefetch("lines", ShipmentLine.objects.select_related("order_line").order_by("pk"))
        )
        parts = FulfillmentOrder.objects.filter(order=order).select_related("location")
        lines = OrderLine.objects.filter(order=order).select_related("item").order_by("pk")
        refunds = Refund.objects.filter(order=order).order_by("pk")
        currency = order.currency
        return Response(
            {
                **summary_of(order, request),
                "shipping_total": money_of(order.shipping_total, currency),
                "discount_total": money_of(order.discount_total, currency),
                "tax_total": money_of(order.tax_total, currency),
                "lines": [line_of(line, currency) for line in lines],
                "fulfillments": [
                    fulfillment_of(part)
                    for part in parts.order_by("pk").prefetch_related(
                        Prefetch("shipments", parcels)
                    )
                ],
                "refunds": [refund_of(refund) for refund in refunds],
            }
        )
