"""A node that finds too little, or drops an order by itself, holds it."""

from __future__ import annotations

import pytest

from exceptions.models import ExceptionCase
from inventory.models import StockLevel
from orders.models import Order, Shipment
from tests.inventory.levels import numbers
from tests.orders.node import Kind, part_of, tell


def test_a_node_that_finds_nothing_holds_the_order(order: Order, mugs: StockLevel) -> None:
    tell(order, Kind.SHORT, reason="not_on_shelf")

    order.refresh_from_db()
    assert (order.state, order.held_for) == ("ALLOCATED", "orders.node_short")
    assert order.hold_detail == "WMS Berlin can't find the goods of #1001: not on shelf."
    assert part_of(order).work_status == "INCOMPLETE"
    case = ExceptionCase.objects.get()
    assert case.code == "orders.node_short"
    assert case.title == "WMS Berlin can't find the goods of #1001: not on shelf."
    assert case.cause.title == "WMS Berlin can't find the goods of an order: not on shelf."


def test_a_shortage_told_again_by_a_poll_says_nothing_new(order: Order) -> None:
    tell(order, Kind.SHORT, units={"1": 1})
    before = order.events.count()

    tell(order, Kind.SHORT, units={"1": 1})

    assert order.events.count() == before
    assert part_of(order).lines.get().short_quantity == 1


@pytest.mark.parametrize("short_first", [True, False])
def test_what_was_found_still_ships_and_arrives(
    order: Order, mugs: StockLevel, short_first: bool
) -> None:
    if short_first:
        tell(order, Kind.SHORT, units={"1": 1})
    tell(order, Kind.PICKED)
    tell(order, Kind.SHIPPED, units={"1": 1})
    if not short_first:
        tell(order, Kind.SHORT, units={"1": 1})

    order.refresh_from_db()
    assert (order.state, order.held_for) == ("SHIPPED", "orders.node_short")
    assert numbers(mugs) == (4, 0)
    assert part_of(order).work_status == "CLOSED"

    tell(order, Kind.DELIVERED)
    order.refresh_from_db()
    assert order.state == "DELIVERED"


def test_goods_that_were_found_after_all_ship(order: Order, mugs: StockLevel) -> None:
    tell(order, Kind.SHORT, units={"1": 1})
    tell(order, Kind.SHIPPED)

    order.refresh_from_db()
    line_at_node = part_of(order).lines.get()
    assert (line_at_node.shipped_quantity, line_at_node.short_quantity) == (2, 0)
    assert order.state == "SHIPPED"
    assert numbers(mugs) == (3, 0)


def test_a_node_that_cancels_by_itself_holds_the_order_and_frees_the_stock(
    order: Order, mugs: StockLevel
) -> None:
    tell(order, Kind.CANCELLED)

    order.refresh_from_db()
    assert (order.state, order.held_for) == ("ALLOCATED", "orders.cancelled_at_node")
    assert part_of(order).work_status == "CANCELLED"
    assert numbers(mugs) == (5, 0)
    assert ExceptionCase.objects.get().title == "WMS Berlin cancelled #1001 by itself."


def test_goods_that_leave_after_the_node_agreed_to_drop_them_are_told_to_a_person(
    order: Order, mugs: StockLevel
) -> None:
    tell(order, Kind.CANCELLED)

    tell(order, Kind.SHIPPED)

    order.refresh_from_db()
    assert order.held_for == "orders.too_late_to_cancel"
    assert numbers(mugs) == (3, 0)
    assert Shipment.objects.count() == 1
