"""Accepted, reserved, allocated: whole or held, and one that can't go on stops only itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import CodeMapping, Connection, OutboundMessage
from exceptions.models import ExceptionCase
from inventory.models import Reservation
from orders.canonical import LineKind
from orders.lifecycle import OrderState
from orders.models import FulfillmentOrder, Order
from orders.services.allocate import allocate_due_orders
from orders.services.due import take_due
from orders.services.reserve import reserve_due_orders
from tests.conftest import Accept, PlaceOrder, Stock, advance, canonical, line


def test_places_an_order_at_the_node_that_has_it_all(place: PlaceOrder, stock: Stock) -> None:
    mugs = stock("MUG", 5)

    order = place("1001", line(quantity=3))

    mugs.refresh_from_db()
    assert (order.state, order.customer_status) == ("ALLOCATED", "In preparation")
    assert (mugs.on_hand, mugs.reserved) == (5, 3)
    (part,) = order.fulfillment_orders.all()
    assert (part.reference, part.location.code, part.work_status, part.request_status) == (
        "shopify-de-1001-F1",
        "BERLIN",
        "OPEN",
        "UNSUBMITTED",
    )
    assert part.explanation == ["BERLIN has everything and comes first by priority."]
    assert [(row.order_line.sku, row.quantity) for row in part.lines.all()] == [("MUG", 3)]
    assert [event.kind for event in order.events.order_by("pk")] == [
        "accepted",
        "reserved",
        "allocated",
    ]


def test_owes_the_erp_the_order_and_the_node_its_part(
    place: PlaceOrder, stock: Stock, erp: Connection, wms: Connection
) -> None:
    stock("MUG", 5)

    order = place()

    owed = OutboundMessage.objects.order_by("pk")
    assert [(row.connection, row.effect_key, row.state, row.lane) for row in owed] == [
        (erp, "order.post:shopify-de-1001", "READY", f"order:{order.pk}"),
        (wms, "fulfillment.release:shopify-de-1001-F1", "READY", f"order:{order.pk}"),
    ]
    assert {(row.trace_id, row.order_id, row.criticality) for row in owed} == {
        (order.trace_id, order.pk, "P0")
    }


def test_splits_an_order_that_no_node_has_all_of(
    place: PlaceOrder, stock: Stock, hamburg: object
) -> None:
    stock("MUG", 2)
    stock("MUG", 2, at="HAMBURG")

    order = place("1001", line(quantity=3))

    parts = order.fulfillment_orders.order_by("pk")
    assert [(part.reference, part.location.code) for part in parts] == [
        ("shopify-de-1001-F1", "BERLIN"),
        ("shopify-de-1001-F2", "HAMBURG"),
    ]
    assert [part.lines.get().quantity for part in parts] == [2, 1]
    assert OutboundMessage.objects.filter(kind="fulfillment.release").count() == 2


def test_an_order_of_gift_cards_is_done_when_the_erp_has_it(
    place: PlaceOrder, berlin: object
) -> None:
    card = line(sku="", kind=LineKind.GIFT_CARD, requires_shipping=False)

    order = place("1001", card)

    assert (order.state, order.customer_status) == ("DELIVERED", "Delivered")
    assert order.delivered_at is not None
    assert [event.text for event in order.events.order_by("pk")] == [
        "Order #1001 received",
        "Stock promised",
        "Nothing to ship",
        "Nothing to ship: done",
    ]
    assert [row.kind for row in OutboundMessage.objects.all()] == ["order.post"]
    assert not Reservation.objects.exists()
    assert not FulfillmentOrder.objects.exists()


def test_units_taken_off_in_the_shop_are_neither_promised_nor_placed(
    place: PlaceOrder, stock: Stock
) -> None:
    mugs = stock("MUG", 5)
    stock("PLATE", 5)

    order = place(
        "1001",
        line(quantity=3, removed_quantity=1),
        line("PLATE", 2, "2", removed_quantity=2),
    )

    mugs.refresh_from_db()
    assert mugs.reserved == 2
    rows = FulfillmentOrder.objects.get(order=order).lines.all()
    assert [(row.order_line.sku, row.quantity) for row in rows] == [("MUG", 2)]


def test_short_stock_holds_the_order_and_says_what_is_missing(
    place: PlaceOrder, stock: Stock
) -> None:
    mugs, plates = stock("MUG", 5), stock("PLATE", 1)

    order = place("1001", line(quantity=2), line("PLATE", 3, "2"))

    assert (order.state, order.held_for) == ("ACCEPTED", "inventory.insufficient_stock")
    assert order.hold_detail == "2 × PLATE too few at all nodes together."
    mugs.refresh_from_db()
    plates.refresh_from_db()
    assert (mugs.reserved, plates.reserved) == (0, 0)
    case = ExceptionCase.objects.get()
    assert (case.order, case.code, case.state, case.value) == (
        order,
        "inventory.insufficient_stock",
        "NEW",
        Decimal(50),
    )


def test_orders_that_lack_the_same_thing_share_a_cause_and_others_do_not(
    place: PlaceOrder, stock: Stock
) -> None:
    stock("MUG", 0)
    stock("PLATE", 0)

    place("1001", line("MUG", 1))
    place("1002", line("MUG", 7))
    place("1003", line("PLATE", 1))

    causes = list(ExceptionCase.objects.order_by("pk").values_list("cause_id", flat=True))
    assert causes[0] == causes[1] != causes[2]


def test_an_order_no_warehouse_serves_is_held_and_stops_no_other(
    accept: Accept, place: PlaceOrder, stock: Stock, hamburg: object
) -> None:
    stock("MUG", 1)
    stock("PLATE", 1, at="HAMBURG")
    CodeMapping.objects.filter(canonical_code="HAMBURG").delete()
    accept(canonical("1001", line("PLATE")))

    other = place("1002")

    held = Order.objects.get(external_id="1001")
    assert (held.state, held.held_for) == ("RESERVED", "orders.no_node_connection")
    assert other.state == "ALLOCATED"
    assert not held.fulfillment_orders.exists()
    assert ExceptionCase.objects.get().order == held


def test_an_order_that_trips_over_a_bug_of_ours_is_held_and_stops_no_other(
    accept: Accept, stock: Stock, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    stock("MUG", 5)
    first, second = accept(canonical("1001")), accept(canonical("1002"))

    def step(orders: Sequence[Order], *, now: datetime) -> None:
        if first in orders:
            raise ZeroDivisionError
        Order.objects.filter(pk__in=[order.pk for order in orders]).update(state="RESERVED")

    assert take_due(step, OrderState.ACCEPTED, limit=10, now=now) == 2

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.held_for, first.hold_detail) == (
        "orders.unexpected",
        "#1001 could not go on: ZeroDivisionError.",
    )
    assert second.state == "RESERVED"
    assert "ZeroDivisionError" in caplog.text


def test_asking_again_changes_nothing(place: PlaceOrder, stock: Stock) -> None:
    mugs = stock("MUG", 5)
    order = place()
    events, owed = order.events.count(), OutboundMessage.objects.count()

    advance()
    assert reserve_due_orders(limit=10, now=timezone.now()) == 0
    assert allocate_due_orders(limit=10, now=timezone.now()) == 0

    mugs.refresh_from_db()
    assert mugs.reserved == 1
    assert (order.events.count(), OutboundMessage.objects.count()) == (events, owed)


@pytest.mark.parametrize("held", [{"is_test": True}, {"financial_status": "PENDING"}])
def test_an_order_that_waits_takes_no_step(
    place: PlaceOrder, stock: Stock, held: dict[str, Any]
) -> None:
    mugs = stock("MUG", 5)

    order = place("1001", **held)

    mugs.refresh_from_db()
    assert (order.state, mugs.reserved) == ("ACCEPTED", 0)
    assert not OutboundMessage.objects.exists()
    assert not ExceptionCase.objects.exists()
