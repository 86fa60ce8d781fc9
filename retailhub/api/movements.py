"""What moved of this item, where, and who said so?"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.services.api_keys import Scope
from inventory.history import newest_movements
from inventory.models import StockLevel, StockMovement
from inventory.selectors import items_by_sku
from retailhub.api.authentication import needs
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.paging import cursor_after, key_in
from retailhub.api.shapes import Moment, Page, PageQuery, moment
from retailhub.api.view import HubView


class ListMovements(HubView):
    """The ledger of one item, newest first."""

    @extend_schema_serializer(component_name="MovementQuery")
    class Query(PageQuery):
        """At one node, or everywhere."""

        node = serializers.CharField(required=False, default="", max_length=40)

    @extend_schema_serializer(component_name="MovementPage")
    class Output(Page):
        """A page of movements."""

        @extend_schema_serializer(component_name="Movement")
        class Movement(serializers.Serializer[Any]):
            node = serializers.CharField()
            kind = serializers.ChoiceField(choices=StockMovement.Kind.choices)
            # DRF takes fields out of the class, so that it is not in the way of its own `source`.
            source = serializers.CharField(  # type: ignore[assignment]
                help_text="Who said so; empty for ourselves."
            )
            on_hand_change = serializers.IntegerField()
            reserved_change = serializers.IntegerField()
            allocated_change = serializers.IntegerField()
            on_hand = serializers.IntegerField(help_text="After it.")
            reserved = serializers.IntegerField(help_text="After it.")
            allocated = serializers.IntegerField(help_text="After it.")
            happened_at = Moment()
            heard_at = Moment()

        results = Movement(many=True)

    @extend_schema(
        operation_id="listMovements",
        summary="List an item's stock movements",
        tags=["stock"],
        parameters=[Query, *RATE_HEADERS],
        responses={200: Output, **problems(400, 404)},
    )
    @needs(Scope.STOCK_READ)
    def get(self, request: Request, sku: str) -> Response:
        """What changed the item's levels, newest first."""
        asked = self.asked(self.Query)
        item_id = None if "\x00" in sku else items_by_sku([sku]).get(sku)
        if item_id is None:
            raise NotFound(f"There is no item {sku[:80]}.")
        levels = StockLevel.objects.filter(item_id=item_id)
        if asked["node"]:
            levels = levels.filter(location__code=asked["node"])
        limit, before = asked["limit"], key_in(asked.get("cursor", ""))
        ids = list(levels.values_list("pk", flat=True))
        found = newest_movements(ids, before=before, limit=limit + 1)
        following = cursor_after(found[limit - 1].pk) if len(found) > limit else None
        results = [_shown(row) for row in found[:limit]]
        return Response({"results": results, "next_cursor": following})


def _shown(row: StockMovement) -> dict[str, Any]:
    return {
        "node": row.level.location.code,
        "kind": row.kind,
        "source": row.source,
        "on_hand_change": row.on_hand_change,
        "reserved_change": row.reserved_change,
        "allocated_change": row.allocated_change,
        "on_hand": row.on_hand_after,
        "reserved": row.reserved_after,
        "allocated": row.allocated_after,
        "happened_at": moment(row.happened_at),
        "heard_at": moment(row.heard_at),
    }
