"""What became of a message we took?"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.lifecycle import INBOUND_DONE, InboundState
from connectors.models import InboundMessage
from connectors.services.api_keys import Scope
from orders.models import Order
from retailhub.api.authentication import needs
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.order_shapes import order_url
from retailhub.api.orders import orders_of
from retailhub.api.shapes import Moment, moment
from retailhub.api.view import HubView

STATES = [(state.value, state.value.capitalize()) for state in InboundState]
FINAL = INBOUND_DONE | {InboundState.DEAD}


class ShowMessage(HubView):
    """Where a message stands, and the order it became."""

    @extend_schema_serializer(component_name="Message")
    class Output(serializers.Serializer[Any]):
        """A message and its end."""

        @extend_schema_serializer(component_name="MessageError")
        class Error(serializers.Serializer[Any]):
            code = serializers.CharField(help_text="Stable; decide by this one.")
            detail = serializers.CharField()

        @extend_schema_serializer(component_name="MessageOrder")
        class OfOrder(serializers.Serializer[Any]):
            reference = serializers.CharField()
            number = serializers.CharField()
            url = serializers.URLField()

        id = serializers.IntegerField()
        key = serializers.CharField(help_text="The Idempotency-Key, or the sender's event id.")
        topic = serializers.CharField()
        state = serializers.ChoiceField(choices=STATES)
        is_final = serializers.BooleanField(help_text="Only a person's replay can change it.")
        received_at = Moment()
        finished_at = Moment(allow_null=True)
        error = Error(allow_null=True, help_text="What stands in its way.")
        order = OfOrder(allow_null=True, help_text="Null until the order is known.")
        trace_id = serializers.UUIDField()

    @extend_schema(
        operation_id="showMessage",
        summary="Show a message",
        tags=["orders"],
        parameters=RATE_HEADERS,
        responses={200: Output, **problems(404)},
    )
    @needs(Scope.ORDERS_WRITE, Scope.ORDERS_READ)
    def get(self, request: Request, message_id: int) -> Response:
        """One message of the key's connection."""
        mine = InboundMessage.objects.filter(connection_id=self.key.connection_id)
        message = mine.defer("body", "edited_body", "headers").filter(pk=message_id).first()
        if message is None:
            raise NotFound(f"There is no message {message_id} that this key can see.")
        order = self._order(message)
        return Response(
            {
                "id": message.pk,
                "key": message.key,
                "topic": message.topic,
                "state": message.state,
                "is_final": message.state in FINAL,
                "received_at": moment(message.received_at),
                "finished_at": moment(message.finished_at),
                "error": _error(message),
                "order": order
                and {
                    "reference": order.reference,
                    "number": order.number,
                    "url": order_url(request, order.reference),
                },
                "trace_id": str(message.trace_id),
            }
        )

    def _order(self, message: InboundMessage) -> Order | None:
        # The lane of a message about an order is named after the shop's id of that order.
        _, _, external_id = message.lane.partition(":order:")
        if not external_id:
            return None
        return orders_of(self.key).filter(external_id=external_id).first()


def _error(message: InboundMessage) -> dict[str, str] | None:
    if not message.error_code or message.state in INBOUND_DONE:
        return None
    return {"code": message.error_code, "detail": message.error_detail}
