"""May I have these? A channel holds stock, commits it, gives it back or moves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from connectors.services.api_keys import Scope
from inventory.errors import InsufficientStock, ReservationUnknown
from inventory.selectors import describe_reservation, items_by_sku, locations_by_code
from inventory.services.commit_hold import commit_hold
from inventory.services.hold import Hold, HoldAnswer, HoldLine, held_reference, hold_stock
from inventory.services.release_hold import release_hold
from inventory.services.transfer_hold import Transfer, transfer_hold
from retailhub.api import intake
from retailhub.api.authentication import needs
from retailhub.api.availability import channel_of
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.problems import Problem
from retailhub.api.reservation_shapes import (
    EXAMPLE,
    ReservationGranted,
    ReservationRequest,
    ReservationShape,
    TransferRequest,
    granted_of,
    standing_of,
)
from retailhub.api.view import HubView
from retailhub.kernel.trace import current_trace_id

IDEMPOTENCY_KEY = OpenApiParameter(
    intake.KEY_HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 200 visible ASCII characters. The same key with the same request gives the "
    "first answer, a refusal included; with another request it gives 409 and changes nothing.",
    examples=[OpenApiExample("One attempt's own id", value="basket-77-try-1")],
)
WRITES = [IDEMPOTENCY_KEY, *RATE_HEADERS]
F = TypeVar("F", bound=Callable[..., Response])


class ReservationView(HubView):
    """What the operations on reservations share: a key sees what its connection holds."""

    @property
    def owner(self) -> str:
        """Whose names count."""
        return self.key.connection.slug

    def url(self, reference: str) -> str:
        """Where a reservation is found."""
        return reverse("api:reservation", kwargs={"reference": reference}, request=self.request)

    def shown(self, reference: str, told: Mapping[str, Any]) -> Response:
        """What stands under `reference`. Raises `ReservationUnknown`."""
        if not told["lines"]:
            raise ReservationUnknown(f"There is no reservation {reference}.")
        return Response({"reference": reference, **standing_of(told), "url": self.url(reference)})

    def done(self, act: Callable[..., Mapping[str, Any]], reference: str) -> Response:
        """Do `act` to all that is held under `reference`, once per key, and show what stands."""
        told = act(
            owner=self.owner,
            reference=reference,
            key=intake.read_key(self.request),
            now=timezone.now(),
        )
        return self.shown(reference, told)


def _without_body(operation_id: str, summary: str, description: str) -> Callable[[F], F]:
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description,
        tags=["reservations"],
        request=None,
        parameters=WRITES,
        responses={200: ReservationShape, **problems(400, 404, 409)},
    )


class HoldStock(ReservationView):
    """Hold stock."""

    @extend_schema(
        operation_id="holdStock",
        summary="Reserve stock",
        description="Holds units until `expires_in` is over, or until they are released. With "
        "`best_effort` each line gets what there is. Nothing at all to hold is a 409.",
        tags=["reservations"],
        request=ReservationRequest,
        parameters=WRITES,
        responses={201: ReservationGranted, **problems(400, 404, 409, 413, 415, 422)},
        examples=[EXAMPLE],
    )
    @needs(Scope.STOCK_RESERVE)
    def post(self, request: Request) -> Response:
        """Settled together with the calls that arrive at the same moment."""
        key = intake.read_key(request)
        asked = intake.read_fields(request, ReservationRequest)
        channel = channel_of(self.key, asked["channel"])
        hold = Hold(
            owner=self.owner,
            reference=asked["reference"],
            lines=_lines(asked["lines"]),
            is_all_or_nothing=asked["mode"] == "all_or_nothing",
            channel_id=None if channel is None else channel.pk,
            seconds=asked["expires_in"],
            key=key,
            trace_id=current_trace_id(),
        )
        answer = hold_stock(hold, now=timezone.now())
        granted = granted_of(answer)
        if answer.is_refused:
            raise InsufficientStock(_short(answer, granted), field="lines")
        url = self.url(hold.reference)
        return Response(
            {"reference": hold.reference, **granted, "url": url},
            status=201,
            headers={"Location": url},
        )


class ShowReservation(ReservationView):
    """What stands under a reference."""

    @extend_schema(
        operation_id="showReservation",
        summary="Show a reservation",
        tags=["reservations"],
        parameters=RATE_HEADERS,
        responses={200: ReservationShape, **problems(404)},
    )
    @needs(Scope.STOCK_RESERVE)
    def get(self, request: Request, reference: str) -> Response:
        """One reservation of the key's connection."""
        name = held_reference(self.owner, reference)
        return self.shown(reference, describe_reservation(name, now=timezone.now()))


class CommitReservation(ReservationView):
    """Keep it for good."""

    @_without_body(
        "commitReservation",
        "Commit a reservation",
        "Takes the end off: it stays until it is released or leaves with goods.",
    )
    @needs(Scope.STOCK_RESERVE)
    def post(self, request: Request, reference: str) -> Response:
        """Too late once it has expired."""
        return self.done(commit_hold, reference)


class ReleaseReservation(ReservationView):
    """Give it back."""

    @_without_body(
        "releaseReservation",
        "Release a reservation",
        "What is still held is free for others. What has ended stays as it is.",
    )
    @needs(Scope.STOCK_RESERVE)
    def post(self, request: Request, reference: str) -> Response:
        """Releasing again changes nothing."""
        return self.done(partial(release_hold, trace_id=current_trace_id()), reference)


class MoveReservation(ReservationView):
    """Move it."""

    @extend_schema(
        operation_id="transferReservation",
        summary="Transfer a reservation",
        description="To another node, to another reference, or both; whole or not at all.",
        tags=["reservations"],
        request=TransferRequest,
        parameters=WRITES,
        responses={200: ReservationShape, **problems(400, 404, 409, 413, 415, 422)},
    )
    @needs(Scope.STOCK_RESERVE)
    def post(self, request: Request, reference: str) -> Response:
        """Nobody can come between the old place and the new one."""
        key = intake.read_key(request)
        asked = intake.read_fields(request, TransferRequest)
        to_node, to_reference = asked.get("to_node", ""), asked.get("to_reference", "")
        transfer = Transfer(
            owner=self.owner,
            reference=reference,
            to_location_id=_node(to_node, "to_node") if to_node else None,
            to_reference=to_reference,
            key=key,
            trace_id=current_trace_id(),
        )
        told = transfer_hold(transfer, now=timezone.now())
        return self.shown(to_reference or reference, told)


def _lines(asked: Sequence[Mapping[str, Any]]) -> tuple[HoldLine, ...]:
    items = items_by_sku([line["sku"] for line in asked])
    codes = {line["node"] for line in asked if "node" in line}
    nodes = locations_by_code(codes) if codes else {}
    lines, seen = [], set()
    for n, line in enumerate(asked):
        sku, node = line["sku"], line.get("node")
        if sku not in items:
            raise _unusable(f"We know no item {sku}.", f"lines[{n}].sku")
        if sku in seen:
            raise _unusable(f"{sku} is asked for twice.", f"lines[{n}].sku")
        if node is not None and node not in nodes:
            raise _unusable(f"There is no node {node}.", f"lines[{n}].node")
        seen.add(sku)
        lines.append(
            HoldLine(
                item_id=items[sku],
                quantity=line["quantity"],
                location_ids=() if node is None else (nodes[node],),
            )
        )
    return tuple(lines)


def _node(code: str, field: str) -> int:
    nodes = locations_by_code([code])
    if code not in nodes:
        raise _unusable(f"There is no node {code}.", field)
    return nodes[code]


def _unusable(detail: str, field: str) -> Problem:
    return Problem(422, "api.invalid_body", detail, field=field)


def _short(answer: HoldAnswer, granted: Mapping[str, Any]) -> str:
    short = [
        f"{line['sku']} ({line['quantity']} asked, {line['available']} there)"
        for line in granted["lines"]
        if line["available"] < line["quantity"]
    ]
    return f"There is too little of {', '.join(short)}."
