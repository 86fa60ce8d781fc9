"""How does a reservation look in the API: what is asked, what was granted, what stands now?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from inventory.models import Item, Location, Reservation
from inventory.services.hold import HoldAnswer
from retailhub.api.shapes import Moment, moment

# What an address holds without being quoted, and a column with the connection's slug before it.
REFERENCE = r"^[A-Za-z0-9._~:-]{1,50}$"
LONGEST_HOLD = 30 * 24 * 3600
STATES = [(state.value, state.value.capitalize()) for state in Reservation.State]
MODES = [("all_or_nothing", "All or nothing"), ("best_effort", "Best effort")]


@extend_schema_serializer(component_name="ReservationRequest")
class ReservationRequest(serializers.Serializer[Any]):
    """What to hold, from the nodes that the key's channel sells from."""

    @extend_schema_serializer(component_name="ReservationRequestLine")
    class Line(serializers.Serializer[Any]):
        sku = serializers.CharField(max_length=80, help_text="Our SKU; each at most once.")
        quantity = serializers.IntegerField(min_value=1, max_value=1_000_000)
        node = serializers.CharField(
            max_length=40, required=False, help_text="Only from this node."
        )

    reference = serializers.RegexField(
        REFERENCE,
        help_text="Yours: a basket's, an order's. It names one reservation for good. An order that"
        " names it in its field `reservation` takes over what it holds.",
    )
    # The stubs don't know what a list of them takes.
    lines = Line(many=True, min_length=1, max_length=100)  # type: ignore[call-arg]
    mode = serializers.ChoiceField(MODES, default="all_or_nothing")
    channel = serializers.CharField(
        max_length=60, required=False, default="", help_text="The key's own; may be left out."
    )
    expires_in = serializers.IntegerField(
        min_value=1,
        max_value=LONGEST_HOLD,
        required=False,
        allow_null=True,
        default=None,
        help_text="Seconds until it ends by itself; null or left out: it stays until released.",
    )


@extend_schema_serializer(component_name="TransferRequest")
class TransferRequest(serializers.Serializer[Any]):
    """Where everything that is still held goes: to a node, to another reference, or both."""

    to_node = serializers.CharField(max_length=40, required=False)
    to_reference = serializers.RegexField(REFERENCE, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """At least one of the two."""
        if not attrs:
            raise serializers.ValidationError("Name to_node, to_reference or both.")
        return attrs


@extend_schema_serializer(component_name="ReservationGranted")
class ReservationGranted(serializers.Serializer[Any]):
    """The first answer; the same whenever it is asked for again."""

    @extend_schema_serializer(component_name="ReservationGrantedLine")
    class Line(serializers.Serializer[Any]):
        @extend_schema_serializer(component_name="ReservationPart")
        class Part(serializers.Serializer[Any]):
            node = serializers.CharField()
            quantity = serializers.IntegerField()

        sku = serializers.CharField()
        quantity = serializers.IntegerField(help_text="Units asked for.")
        granted = serializers.IntegerField(help_text="Units held.")
        available = serializers.IntegerField(help_text="Units that could have been had.")
        parts = Part(many=True)

    reference = serializers.CharField()
    is_complete = serializers.BooleanField(help_text="Whether every line is held in full.")
    expires_at = Moment(allow_null=True)
    lines = Line(many=True)
    url = serializers.URLField()


@extend_schema_serializer(component_name="Reservation")
class ReservationShape(serializers.Serializer[Any]):
    """What stands under a reference."""

    @extend_schema_serializer(component_name="ReservationLine")
    class Line(serializers.Serializer[Any]):
        sku = serializers.CharField()
        node = serializers.CharField()
        quantity = serializers.IntegerField()
        consumed = serializers.IntegerField(help_text="Units that have left with goods.")
        state = serializers.ChoiceField(STATES)

    reference = serializers.CharField()
    state = serializers.ChoiceField(STATES, help_text="HELD while any line is.")
    expires_at = Moment(allow_null=True, help_text="Null once it is committed.")
    lines = Line(many=True)
    url = serializers.URLField()


def granted_of(answer: HoldAnswer) -> dict[str, Any]:
    """The part of `ReservationGranted` that says what is held."""
    skus = dict(
        Item.objects.filter(pk__in=[ln.item_id for ln in answer.lines]).values_list("pk", "sku")
    )
    nodes = {place for line in answer.lines for place, _ in line.parts}
    codes = dict(Location.objects.filter(pk__in=nodes).values_list("pk", "code"))
    return {
        "is_complete": all(line.granted == line.quantity for line in answer.lines),
        "expires_at": moment(answer.expires_at),
        "lines": [
            {
                "sku": skus[line.item_id],
                "quantity": line.quantity,
                "granted": line.granted,
                "available": line.available,
                "parts": [{"node": codes[place], "quantity": units} for place, units in line.parts],
            }
            for line in answer.lines
        ],
    }


def standing_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """The part of `ReservationShape` that says what stands."""
    states = [line["state"] for line in told["lines"]]
    ends = told["expires_at"]
    return {
        "state": "HELD" if "HELD" in states else states[-1],
        "expires_at": ends and moment(datetime.fromisoformat(ends)),
        "lines": told["lines"],
    }


EXAMPLE = OpenApiExample(
    "Two mugs for a quarter of an hour",
    value={
        "reference": "basket-77",
        "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
        "expires_in": 900,
    },
    request_only=True,
)
