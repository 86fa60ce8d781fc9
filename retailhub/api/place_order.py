"""A custom shop places an order."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from connectors.services.api_keys import Scope
from retailhub.api import intake
from retailhub.api.authentication import needs
from retailhub.api.description import MISSING, RATE_HEADERS, problems
from retailhub.api.placed_order import EXAMPLE, PlacedOrder
from retailhub.api.view import HubView

IDEMPOTENCY_KEY = OpenApiParameter(
    intake.KEY_HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 200 visible ASCII characters. The same key with the same bytes gives the "
    "same answer and one order; with other bytes it gives 409 and changes nothing.",
    examples=[OpenApiExample("An order's own id", value="order-A-1001")],
)


class PlaceOrder(HubView):
    """Take an order on record; what becomes of it is asked at `status_url`."""

    @extend_schema_serializer(component_name="Accepted")
    class Accepted(serializers.Serializer[Any]):
        """Where to ask."""

        message_id = serializers.IntegerField()
        status_url = serializers.URLField()
        trace_id = serializers.UUIDField(allow_null=True)

    @extend_schema(
        operation_id="placeOrder",
        summary="Place an order",
        description="Answers 202 once the body is on disk. The order appears within seconds; if "
        "something stands in its way (a SKU we don't know), it waits and a person is asked.",
        tags=["orders"],
        request=PlacedOrder,
        parameters=[IDEMPOTENCY_KEY, *RATE_HEADERS],
        responses={202: Accepted, **problems(400, 409, 413, 415, 422)},
        examples=[EXAMPLE, MISSING],
    )
    @needs(Scope.ORDERS_WRITE)
    def post(self, request: Request) -> Response:
        """The body is checked first: what can't be read is refused and nothing is stored."""
        key, body = intake.read_key(request), intake.read_body(request)
        intake.check_order(self.key.connection, body)
        taken = intake.take_order(
            connection=self.key.connection,
            key=key,
            body=body,
            headers={
                "idempotency-key": key,
                "user-agent": request.headers.get("User-Agent", "")[:300],
            },
        )
        url = reverse("api:message", kwargs={"message_id": taken.message_id}, request=request)
        return Response(
            {"message_id": taken.message_id, "status_url": url, "trace_id": taken.trace_id},
            status=202,
            headers={"Location": url},
        )
