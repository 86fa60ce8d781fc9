"""What was this channel told at that moment, and why?"""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.services.api_keys import Scope
from inventory.history import told_at
from inventory.models import Publication
from inventory.selectors import items_by_sku
from retailhub.api.authentication import needs
from retailhub.api.availability import channel_of
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.shapes import Moment, moment
from retailhub.api.view import HubView


class ShowTold(HubView):
    """A past answer, with the explanation that was kept with it."""

    @extend_schema_serializer(component_name="ToldQuery")
    class Query(serializers.Serializer[Any]):
        """Which item, at which channel, when."""

        sku = serializers.CharField(max_length=80)
        channel = serializers.CharField(
            required=False, default="", max_length=60, help_text="The key's own; may be left out."
        )
        at = Moment(required=False, help_text="With its zone; now if left out.")

    @extend_schema_serializer(component_name="Told")
    class Output(serializers.Serializer[Any]):
        """What was in force then."""

        @extend_schema_serializer(component_name="Publication")
        class Number(serializers.Serializer[Any]):
            quantity = serializers.IntegerField()
            nodes = serializers.DictField(child=serializers.IntegerField())
            reason = serializers.ChoiceField(choices=Publication.Reason.choices)
            changed_at = Moment(
                help_text="When the stock had moved so far that the channel was to know."
            )
            decided_at = Moment(help_text="When we did the sum.")
            sent_at = Moment(help_text="When the channel took it.")
            explanation = serializers.DictField(help_text="The sum as it was, line by line.")

        sku = serializers.CharField()
        channel = serializers.CharField()
        at = Moment()
        told = Number(allow_null=True, help_text="Null: it had been told nothing yet.")

    @extend_schema(
        operation_id="showTold",
        summary="Show what a channel was told",
        tags=["stock"],
        parameters=[Query, *RATE_HEADERS],
        responses={200: Output, **problems(400, 404)},
    )
    @needs(Scope.STOCK_READ)
    def get(self, request: Request) -> Response:
        """The number in force at the key's channel at that moment."""
        asked = self.asked(self.Query)
        channel = channel_of(self.key, asked["channel"])
        item_id = items_by_sku([asked["sku"]]).get(asked["sku"])
        if channel is None or item_id is None:
            what = "channel" if channel is None else f"item {asked['sku']}"
            raise NotFound(f"There is no {what} that this key can see.")
        at = asked.get("at") or timezone.now()
        told = told_at(channel_id=channel.pk, item_id=item_id, at=at)
        return Response(
            {
                "sku": asked["sku"],
                "channel": channel.code,
                "at": moment(at),
                "told": _shown(told) if told else None,
            }
        )


def _shown(told: Publication) -> dict[str, Any]:
    return {
        "quantity": told.quantity,
        "nodes": told.nodes,
        "reason": told.reason,
        "changed_at": moment(told.changed_at),
        "decided_at": moment(told.decided_at),
        "sent_at": moment(told.sent_at),
        "explanation": told.explanation,
    }
