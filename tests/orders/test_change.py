"""The shop changes its mind about lines and payment: taken in full, while nobody works on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.models import OutboundMessage
from exceptions.models import ExceptionCase
from inventory.models import Reservation
from orders.canonical import CanonicalLine, CanonicalOrder
from orders.models import Order
from orders.services.reserve import reserve_due_orders
from tests.conftest import Accept, PlaceOrder, Stock, advance, canonical, line
from tests.orders.node import Kind, tell


def later(order: Order, *lines: CanonicalLine, minutes: int = 1, **more: Any) -> CanonicalOrder:
    """The next snapshot of `order`."""
    said = canonical(order.external_id, *lines, placed_at=order.placed_at)
    return replace(said, version=order.version_at + timedelta(minutes=minutes), **more)


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def test_an_order_goes_on_when_it_is_paid(accept: Accept, place: PlaceOrder, stock: Stock) -> None:
    stock("MUG", 5)
    order = place("1001", financial_status="PENDING")
    assert (order.state, order.held_for) == ("ACCEPTED", "orders.awaiting_payment")

    accept(later(order, financial_status="PAID"))
    advance()

    assert (fresh(order).state, fresh(order).held_for) == ("ALLOCATED", "")
    assert not ExceptionCase.objects.exists()
    texts = list(order.events.order_by("pk").values_list("text", flat=True))
    assert texts[1:3] == ["Payment: paid", "No longer on hold"]


@pytest.mark.parametrize("status", ["VOIDED", "REFUNDED", "EXPIRED", "PENDING"])
def test_an_order_whose_payment_is_taken_back_gives_back_its_promise(
    accept: Accept, stock: Stock, status: str
) -> None:
    mugs = stock("MUG", 5)
    order = accept(canonical("1001"))
    Order.objects.filter(pk=order.pk).update(state="RESERVED")

    accept(later(order, financial_status=status))
    advance()

    mugs.refresh_from_db()
    assert (fresh(order).state, fresh(order).held_for) == ("ACCEPTED", "orders.awaiting_payment")
    assert mugs.reserved == 0
    assert not ExceptionCase.objects.exists()


def test_an_order_that_was_sent_by_somebody_else_meanwhile_is_not_sent_again(
    accept: Accept, stock: Stock
) -> None:
    stock("MUG", 0)
    order = accept(canonical("1001"))
    advance()

    accept(later(order, is_fulfilled=True))
    stock("MUG", 0)
    advance()

    assert fresh(order).held_for == "orders.fulfilled_elsewhere"


def test_a_test_order_never_becomes_a_real_one_by_being_paid(
    accept: Accept, place: PlaceOrder, stock: Stock
) -> None:
    stock("MUG", 5)
    order = place("1001", is_test=True, financial_status="PENDING")

    accept(later(order, is_test=True, financial_status="PAID"))
    advance()

    assert (fresh(order).state, fresh(order).held_for) == ("ACCEPTED", "orders.test_order")


@pytest.mark.usefixtures("wms")
def test_changed_lines_before_release_replace_the_old_ones(accept: Accept, stock: Stock) -> None:
    mugs, plates = stock("MUG", 5), stock("PLATE", 5)
    order = accept(canonical("1001", line(quantity=2)))

    accept(later(order, line(quantity=1), line("PLATE", 3, "2")))
    advance()

    mugs.refresh_from_db()
    plates.refresh_from_db()
    assert fresh(order).state == "ALLOCATED"
    assert (mugs.reserved, plates.reserved) == (1, 3)


@pytest.mark.usefixtures("wms")
def test_changed_lines_of_a_reserved_order_are_promised_anew(
    accept: Accept, stock: Stock, now: datetime
) -> None:
    mugs = stock("MUG", 5)
    order = accept(canonical("1001", line(quantity=2)))
    reserve_due_orders(limit=1, now=now)

    accept(later(order, line(quantity=4)))
    assert fresh(order).state == "ACCEPTED"
    advance()

    mugs.refresh_from_db()
    assert (fresh(order).state, mugs.reserved) == ("ALLOCATED", 4)
    assert sorted(Reservation.objects.values_list("state", "quantity")) == [
        ("HELD", 4),
        ("RELEASED", 2),
    ]


@pytest.mark.usefixtures("wms")
def test_an_order_that_was_short_tries_again_when_less_is_wanted(
    accept: Accept, stock: Stock
) -> None:
    stock("MUG", 1)
    order = accept(canonical("1001", line(quantity=2)))
    advance()
    assert fresh(order).held_for == "inventory.insufficient_stock"

    accept(later(order, line(quantity=2, removed_quantity=1)))
    advance()

    assert (fresh(order).state, fresh(order).held_for) == ("ALLOCATED", "")
    assert ExceptionCase.objects.get().state == "RESOLVED"


def test_changed_lines_after_release_ask_a_person_once(
    accept: Accept, place: PlaceOrder, stock: Stock
) -> None:
    mugs = stock("MUG", 5)
    order = place("1001", line(quantity=2))

    accept(later(order, line(quantity=3)))
    accept(later(order, line(quantity=3), minutes=2, note="Hurry"))

    mugs.refresh_from_db()
    assert (fresh(order).state, fresh(order).held_for) == (
        "ALLOCATED",
        "orders.changed_after_release",
    )
    assert mugs.reserved == 2
    assert order.fulfillment_orders.get().lines.get().quantity == 2
    assert ExceptionCase.objects.get().code == "orders.changed_after_release"
    assert order.events.filter(kind="held").count() == 1
    assert OutboundMessage.objects.filter(kind="fulfillment.release").count() == 1


def test_the_same_lines_after_release_are_no_change(
    accept: Accept, place: PlaceOrder, stock: Stock
) -> None:
    stock("MUG", 5)
    order = place("1001", line(quantity=2))

    accept(later(order, line(quantity=2), note="Leave it at the door"))

    assert (fresh(order).held_for, fresh(order).note) == ("", "Leave it at the door")


def test_what_comes_back_after_shipping_is_no_change_of_lines(
    accept: Accept, place: PlaceOrder, stock: Stock
) -> None:
    stock("MUG", 5)
    order = place("1001", line(quantity=2))
    tell(order, Kind.SHIPPED)

    accept(later(order, line(quantity=2, removed_quantity=1)))

    assert (fresh(order).state, fresh(order).held_for) == ("SHIPPED", "")
    assert not ExceptionCase.objects.exists()
