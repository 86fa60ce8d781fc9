"""How many may be sold? Hundreds of items at once, in a number of queries that never changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.models import ApiKey
from connectors.services.api_keys import Scope
from inventory.availability import Availability
from inventory.freshness import shelf_digest
from inventory.models import Channel
from inventory.selectors import availability, items_by_sku, locations_by_code
from retailhub.api.authentication import needs
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.problems import Problem
from retailhub.api.shapes import Moment, moment
from retailhub.api.view import HubView

MOST_SKUS = 500
MOST_NODES = 100
# Goes up when the same stock is to look otherwise in an answer.
LOOKS = 1
# Weak, as `at` tells the time.
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[200, 304],
    description="Names the answer but for its `at`.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `ETag` of an answer that you have.",
)


def channel_of(key: ApiKey, code: str) -> Channel | None:
    """The channel that `key` speaks for, if any. Raises `NotFound` for every other."""
    channel = key.connection.channel
    if code and (channel is None or channel.code != code):
        raise NotFound(f"There is no channel {code} that this key can see.")
    return channel


@extend_schema_serializer(component_name="AvailabilityStep")
class StepShape(serializers.Serializer[Any]):
    """One line of the sum."""

    # DRF takes fields out of the class, so that it is not in the way of its own `label`.
    label = serializers.CharField()  # type: ignore[assignment]
    change = serializers.IntegerField(help_text="Units added or, below zero, taken.")
    after = serializers.IntegerField(help_text="Units left after this line.")
    why = serializers.CharField(help_text="What a rule notes of itself; often empty.")
    rule_id = serializers.IntegerField(allow_null=True, help_text="The rule that asked for it.")


@extend_schema_serializer(component_name="AvailabilityNode")
class NodeShape(serializers.Serializer[Any]):
    """What one node offers."""

    node = serializers.CharField()
    available = serializers.IntegerField(help_text="Units this node could give by itself.")
    listed = serializers.IntegerField(help_text="Its part of `quantity`; the parts add up.")
    steps = StepShape(many=True, required=False, help_text="Only with explain=1.")


@extend_schema_serializer(component_name="AvailabilityQuery")
class AvailabilityQuery(serializers.Serializer[Any]):
    """Which items, at which channel, from which nodes."""

    sku = serializers.ListField(
        child=serializers.CharField(max_length=80),
        min_length=1,
        max_length=MOST_SKUS,
        help_text=f"Our SKU; repeat it for more, up to {MOST_SKUS}.",
    )
    channel = serializers.CharField(
        required=False, default="", max_length=60, help_text="The key's own; may be left out."
    )
    node = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        default=list,
        max_length=MOST_NODES,
        help_text="Show only these nodes; `quantity` stays that of all of them.",
    )
    explain = serializers.BooleanField(
        required=False, default=False, help_text="With every line of the sum."
    )


class ShowAvailability(HubView):
    """What may be sold now, and why."""

    @extend_schema_serializer(component_name="Availability")
    class Output(serializers.Serializer[Any]):
        """The answer, in the order asked."""

        @extend_schema_serializer(component_name="ItemAvailability")
        class Item(serializers.Serializer[Any]):
            sku = serializers.CharField()
            quantity = serializers.IntegerField(help_text="Units that may be sold. Never below 0.")
            nodes = NodeShape(many=True)
            steps = StepShape(many=True, required=False, help_text="Only with explain=1.")

        at = Moment()
        channel = serializers.CharField(allow_null=True)
        results = Item(many=True)
        unknown_skus = serializers.ListField(child=serializers.CharField())

    @extend_schema(
        operation_id="showAvailability",
        summary="Show what may be sold",
        description="Send the `ETag` of an answer as `If-None-Match` with the same question: as "
        "long as nothing that it depends on has changed, the answer is a 304 without a body.",
        tags=["stock"],
        parameters=[AvailabilityQuery, IF_NONE_MATCH, ETAG, *RATE_HEADERS],
        responses={
            200: Output,
            304: OpenApiResponse(description="Nothing has changed."),
            **problems(400, 404),
        },
    )
    @needs(Scope.STOCK_READ)
    def get(self, request: Request) -> HttpResponseBase:
        """Of up to 500 items, for the key's channel; over all nodes if it has none."""
        asked = self.asked(AvailabilityQuery)
        channel = channel_of(self.key, asked["channel"])
        nodes = _known_nodes(asked["node"])
        items = items_by_sku(asked["sku"])
        now = timezone.now()
        # Before the stock is read: what changes in between is missed by the tag, not by the answer.
        digest = shelf_digest(
            item_ids=items.values(), channel_id=channel.pk if channel else None, at=now
        )
        etag = f'W/"{LOOKS}-{digest}"'
        told = get_conditional_response(request._request, etag=etag)
        if told is None:
            told = Response(_answer(asked, channel, items, nodes, now))
        told["ETag"], told["Cache-Control"] = etag, "private, no-cache"
        patch_vary_headers(told, ["Authorization"])
        return told


def _answer(
    asked: Mapping[str, Any],
    channel: Channel | None,
    items: Mapping[str, int],
    nodes: frozenset[str],
    now: datetime,
) -> dict[str, Any]:
    channel_id = channel.pk if channel else None
    found = availability(
        item_ids=items.values(), channel_ids=[channel.pk] if channel else (), at=now
    )
    skus = list(dict.fromkeys(asked["sku"]))
    return {
        "at": moment(now),
        "channel": channel.code if channel else None,
        "results": [
            _shown(sku, found[items[sku], channel_id], nodes, asked["explain"])
            for sku in skus
            if sku in items
        ],
        "unknown_skus": [sku for sku in skus if sku not in items],
    }


def _known_nodes(codes: list[str]) -> frozenset[str]:
    known = locations_by_code(codes) if codes else {}
    if unknown := [code for code in codes if code not in known]:
        raise Problem(400, "api.invalid_parameter", f"There is no node {unknown[0]}.", field="node")
    return frozenset(codes)


def _shown(sku: str, found: Availability, nodes: frozenset[str], explain: bool) -> dict[str, Any]:
    told = found.as_json() if explain else {}
    steps = {node["code"]: node["steps"] for node in told.get("nodes", ())}
    rows: list[dict[str, Any]] = [
        {
            "node": node.code,
            "available": node.quantity,
            "listed": found.listed[node.code],
            **({"steps": steps[node.code]} if explain else {}),
        }
        for node in found.nodes
        if not nodes or node.code in nodes
    ]
    shown = {"sku": sku, "quantity": found.quantity, "nodes": rows}
    return {**shown, "steps": told["steps"]} if explain else shown
