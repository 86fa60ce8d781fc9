"""What has happened to an order?"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.services.api_keys import Scope
from orders.models import OrderEvent
from retailhub.api.authentication import needs
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.orders import order_of
from retailhub.api.paging import page_of
from retailhub.api.shapes import Moment, Page, PageQuery
from retailhub.api.view import HubView


class ShowTimeline(HubView):
    """An order's journey, oldest first."""

    @extend_schema_serializer(component_name="TimelineQuery")
    class Query(PageQuery):
        """Which part of it."""

    @extend_schema_serializer(component_name="TimelinePage")
    class Output(Page):
        """A page of events."""

        @extend_schema_serializer(component_name="TimelineEvent")
        class Event(serializers.Serializer[Any]):
            kind = serializers.CharField()
            text = serializers.CharField()
            from_state = serializers.CharField(help_text="Empty when nothing moved.")
            to_state = serializers.CharField()
            customer_status = serializers.CharField()
            system = serializers.CharField(help_text="Who told us.")
            happened_at = Moment()
            recorded_at = Moment()
            trace_id = serializers.UUIDField(allow_null=True)

        results = Event(many=True)

    @extend_schema(
        operation_id="showTimeline",
        summary="Show an order's timeline",
        tags=["orders"],
        parameters=[Query, *RATE_HEADERS],
        responses={200: Output, **problems(400, 404)},
    )
    @needs(Scope.ORDERS_READ)
    def get(self, request: Request, reference: str) -> Response:
        """What happened to one order, in the order we recorded it."""
        asked = self.asked(self.Query)
        events, following = page_of(
            OrderEvent.objects.filter(order=order_of(self.key, reference)),
            cursor=asked.get("cursor", ""),
            limit=asked["limit"],
            is_oldest_first=True,
        )
        shown = self.Output.Event(events, many=True).data
        return Response({"results": shown, "next_cursor": following})
