"""Messages of one order in any order, some of them dead until somebody mends them: one same end.

A dead message holds up nothing behind it. What depends on it is parked until it is mended, and what
does not goes on; so no message needs to block its order's lane.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from connectors.models import Connection, InboundMessage, OutboundMessage
from connectors.services.process import process_batch
from connectors.services.receive import Delivery, receive_messages
from connectors.services.replay import replay_inbound
from connectors.systems.base import Envelope
from exceptions.models import ExceptionCase
from inventory.models import StockLevel
from orders.models import FulfillmentLine, FulfillmentOrder, Order, Refund, Shipment
from tests.conftest import Stock, advance
from tests.connectors.door import order_payload

pytestmark = pytest.mark.slow
DONE = {"PROCESSED", "SUPERSEDED"}
BASE = timezone.now() - timedelta(hours=1)  # after the shelf was counted
_numbers = itertools.count(1)


@dataclass
class World:
    """A web shop, a warehouse and a full shelf; every story is about an order of its own."""

    webshop: Connection
    wms: Connection
    shelf: StockLevel
    time_passes: Callable[[], None]

    def hear(self, said: dict[str, Any], lane: str, *, is_broken: bool) -> tuple[int, bytes]:
        """Put a message on record, unreadable if it is `broken`; its id and what it should say."""
        connection = self.wms if "type" in said else self.webshop
        body = json.dumps(said["body"]).encode()
        envelope = Envelope(topic=said["topic"], key=f"m{next(_numbers)}", lane=lane)
        heard = b'{"broken": true}' if is_broken else body
        delivery = Delivery(connection_id=connection.pk, envelope=envelope, body=heard)
        return receive_messages([delivery])[0].message_id, body

    def settle(self) -> None:
        """Until nothing moves any more."""
        for _ in range(8):
            self.time_passes()
            if process_batch(limit=100, now=timezone.now()) == 0:
                break
            advance()

    def tell(self, story: Sequence[dict[str, Any]], lane: str, dead: set[str]) -> None:
        """Tell the story; then somebody mends what was dead, one after the other."""
        told = [self.hear(said, lane, is_broken=said["name"] in dead) for said in story]
        self.settle()
        broken = [(pk, body) for pk, body in told if _state(pk) == "DEAD"]
        assert len(broken) == len(dead)
        for message_id, body in broken:
            assert replay_inbound(message_id=message_id, now=timezone.now(), edited_body=body)
            self.settle()
        assert {_state(pk) for pk, _ in told} <= DONE


def _state(message_id: int) -> str:
    return InboundMessage.objects.get(pk=message_id).state


@pytest.fixture
def world(
    webshop: Connection, wms: Connection, stock: Stock, time_passes: Callable[[], None]
) -> World:
    return World(webshop, wms, stock("MUG", 10_000), time_passes)


def of_shop(order: str) -> list[dict[str, Any]]:
    """An order is placed, pays, changes, gets money back and is cancelled."""
    placed = order_payload(order, financial_status="PENDING", updated_at=_at(0))
    paid = order_payload(order, updated_at=_at(1), note="Ring twice")
    money = {"amount": "4.00", "currency": "EUR", "refunded_at": _at(2)}
    refund = {"id": f"r-{order}", "order_id": order, **money}
    ended = {"updated_at": _at(3), "cancelled_at": _at(3), "financial_status": "REFUNDED"}
    return [
        {"name": "placed", "topic": "order.placed", "body": placed},
        {"name": "paid", "topic": "order.changed", "body": paid},
        {"name": "refund", "topic": "refund.created", "body": refund},
        {"name": "ended", "topic": "order.cancelled", "body": order_payload(order, **ended)},
    ]


def of_node(order: Order) -> list[dict[str, Any]]:
    """A node takes the order, picks it, sends two parcels and loses a unit."""
    line = order.lines.get().reference
    parcel_1 = {"shipment_id": f"s1-{order.pk}", "lines": [{"line": line, "quantity": 2}]}
    parcel_2 = {"shipment_id": f"s2-{order.pk}", "lines": [{"line": line, "quantity": 1}]}
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("received", "order.received", {}),
        ("picked", "order.picked", {}),
        ("first", "order.shipped", parcel_1),
        ("short", "order.short", {"lines": [{"line": line, "short_quantity": 1}]}),
        ("second", "order.shipped", parcel_2),
        ("first there", "order.delivered", {"shipment_id": parcel_1["shipment_id"]}),
        ("second there", "order.delivered", {"shipment_id": parcel_2["shipment_id"]}),
    ]
    reference = f"{order.reference}-F1"
    return [
        {
            "name": name,
            "topic": topic,
            "type": "node",
            "body": {
                "id": f"{name}-{order.pk}",
                "type": topic,
                "occurred_at": _at(minute),
                "data": {"reference": reference, "outbound_order_id": "ob", **more},
            },
        }
        for minute, (name, topic, more) in enumerate(steps)
    ]


def _at(minute: int) -> str:
    return (BASE + timedelta(minutes=minute)).isoformat()


def end_of(order_number: str, shelf: StockLevel, before: tuple[int, int]) -> dict[str, Any]:
    """All that people and systems will go by."""
    order = Order.objects.get(external_id=order_number)
    shelf.refresh_from_db()
    # What was taken back depends on how far it had come.
    part = FulfillmentOrder.objects.filter(order=order).exclude(work_status="CANCELLED")
    units = FulfillmentLine.objects.filter(fulfillment_order__in=part)
    owed = OutboundMessage.objects.filter(order_id=order.pk).exclude(state="CANCELLED")
    return {
        "order": (order.state, order.customer_status, order.financial_status, order.held_for),
        "note": (order.note, order.is_partial, order.version_at),
        "refunds": list(Refund.objects.filter(order=order).values_list("amount", flat=True)),
        "parts": list(part.values_list("progress", "work_status", "request_status")),
        "units": list(units.values_list("quantity", "shipped_quantity", "short_quantity")),
        "parcels": sorted(
            Shipment.objects.filter(fulfillment_order__order=order).values_list(
                "lines__quantity", "delivered_at"
            )
        ),
        "shelf": (shelf.on_hand - before[0], shelf.reserved - before[1]),
        "owed": sorted(owed.values_list("kind", flat=True)),
        "cases": sorted(
            ExceptionCase.objects.filter(order=order, closed_at=None).values_list("code", flat=True)
        ),
    }


def _shuffled(names: Sequence[str]) -> st.SearchStrategy[tuple[list[str], set[str]]]:
    return st.tuples(st.permutations(names), st.sets(st.sampled_from(names)))


in_a_world = settings(max_examples=20, phases=[Phase.explicit, Phase.generate])


SHOP = ["placed", "paid", "refund", "ended"]
NODE = ["received", "picked", "first", "short", "second", "first there", "second there"]


def _end_of_shop_s(world: World, names: Sequence[str], dead: set[str]) -> dict[str, Any]:
    order, before = f"S-{next(_numbers)}", _shelf(world)
    story = {said["name"]: said for said in of_shop(order)}
    world.tell([story[name] for name in names], f"order:{order}", dead)
    return end_of(order, world.shelf, before)


def _end_of_node_s(world: World, names: Sequence[str], dead: set[str]) -> dict[str, Any]:
    number, before = f"N-{next(_numbers)}", _shelf(world)
    lines = [{"id": "1", "sku": "MUG", "quantity": 4, "unit_price": "10.00"}]
    placed = order_payload(number, lines=lines, total="40.00")
    world.tell([{"name": "placed", "topic": "order.placed", "body": placed}], number, set())
    order = Order.objects.get(external_id=number)
    story = {said["name"]: said for said in of_node(order)}
    world.tell([story[name] for name in names], f"order:{order.reference}", dead)
    return end_of(number, world.shelf, before)


def _shelf(world: World) -> tuple[int, int]:
    world.shelf.refresh_from_db()
    return world.shelf.on_hand, world.shelf.reserved


def test_a_shop_s_story_has_one_end(world: World) -> None:
    end = _end_of_shop_s(world, SHOP, set())
    assert end["order"][:3] == ("CANCELLED", "Cancelled", "REFUNDED")
    assert (end["refunds"], end["shelf"]) == ([4], (0, 0))

    @in_a_world
    @given(told=_shuffled(SHOP))
    def ends_the_same(told: tuple[list[str], set[str]]) -> None:
        assert _end_of_shop_s(world, *told) == end

    ends_the_same()


def test_a_node_s_story_has_one_end(world: World) -> None:
    end = _end_of_node_s(world, NODE, set())
    assert end["order"][0] == "DELIVERED"
    assert (end["units"], end["shelf"]) == ([(4, 3, 1)], (-3, 0))

    @in_a_world
    @given(told=_shuffled(NODE))
    def ends_the_same(told: tuple[list[str], set[str]]) -> None:
        assert _end_of_node_s(world, *told) == end

    ends_the_same()
