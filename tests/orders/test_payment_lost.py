"""The money goes after nodes were asked: what can be stopped is, and what left has a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import OutboundMessage
from exceptions.models import ExceptionCase
from inventory.models import StockLevel
from orders.models import Order
from orders.services.cancel import confirm_node_cancellations
from tests.conftest import Accept, advance, line
from tests.orders.node import Kind, part_of, tell
from tests.orders.test_cancel import effects, is_sent, reserved
from tests.orders.test_change import fresh, later

LOST = ("VOIDED", "EXPIRED", "REFUNDED")
Pay = Callable[..., Order]


@pytest.fixture
def pay(accept: Accept, order: Order) -> Pay:
    """The shop tells how the payment stands."""

    def say(status: str, **more: Any) -> Order:
        accept(later(fresh(order), line(quantity=2), financial_status=status, **more))
        return fresh(order)

    return say


def open_case() -> ExceptionCase:
    return ExceptionCase.objects.get(closed_at=None)


@pytest.mark.parametrize("status", LOST)
def test_what_no_node_was_told_is_taken_back_without_a_person(
    pay: Pay, mugs: StockLevel, status: str
) -> None:
    order = pay(status)

    assert (order.state, order.held_for) == ("ACCEPTED", "orders.awaiting_payment")
    assert reserved(mugs) == 0
    assert effects(kind="fulfillment.release") == [("fulfillment.release", "CANCELLED")]
    assert effects(kind="fulfillment.cancel") == []
    assert not ExceptionCase.objects.exists()
    advance()
    assert fresh(order).state == "ACCEPTED"


def test_it_goes_on_from_the_start_when_the_money_is_back(pay: Pay, mugs: StockLevel) -> None:
    pay("VOIDED")

    order = pay("PAID")
    advance()

    assert (fresh(order).state, fresh(order).held_for, reserved(mugs)) == ("ALLOCATED", "", 2)
    assert effects(kind="fulfillment.release", reference=part_of(order, 2).reference) == [
        ("fulfillment.release", "READY")
    ]


@pytest.mark.parametrize("by_event", [True, False])
def test_a_node_that_has_it_is_asked_to_stop(
    order: Order, pay: Pay, mugs: StockLevel, by_event: bool
) -> None:
    is_sent("fulfillment.release")

    order = pay("VOIDED")

    assert (order.state, order.held_for) == ("ALLOCATED", "orders.payment_lost")
    assert order.hold_detail == "The payment of #1001 is voided. Nothing has left yet."
    assert (open_case().code, open_case().order) == ("orders.payment_lost", order)
    asked = OutboundMessage.objects.get(kind="fulfillment.cancel")
    assert (asked.state, asked.payload["reason"]) == ("READY", "payment voided")
    pay("VOIDED", note="Told again")
    assert OutboundMessage.objects.filter(kind="fulfillment.cancel").count() == 1

    if by_event:
        tell(order, Kind.CANCELLED)
    else:
        confirm_node_cancellations([part_of(order).reference], now=timezone.now())

    order = fresh(order)
    assert (order.state, order.held_for) == ("ACCEPTED", "orders.awaiting_payment")
    assert reserved(mugs) == 0
    assert not ExceptionCase.objects.filter(closed_at=None).exists()


def test_money_that_comes_back_meanwhile_sends_it_after_all(
    order: Order, pay: Pay, mugs: StockLevel
) -> None:
    is_sent("fulfillment.release")
    pay("VOIDED")

    assert pay("PAID").held_for == ""
    assert not ExceptionCase.objects.filter(closed_at=None).exists()
    confirm_node_cancellations([part_of(order).reference], now=timezone.now())
    advance()

    assert (fresh(order).state, fresh(order).held_for, reserved(mugs)) == ("ALLOCATED", "", 2)
    assert part_of(order, 2).work_status == "OPEN"


def test_a_node_that_ships_all_the_same_is_named(order: Order, pay: Pay) -> None:
    is_sent("fulfillment.release")
    pay("EXPIRED")

    tell(order, Kind.SHIPPED)

    assert fresh(order).held_for == "orders.payment_lost"
    assert open_case().detail == ("The payment of #1001 is expired. Already left: DHL TRACK-P1.")


def test_what_left_before_is_named_and_the_rest_is_stopped(
    order: Order, pay: Pay, mugs: StockLevel
) -> None:
    is_sent("fulfillment.release")
    tell(order, Kind.SHIPPED, units={"1": 1})

    pay("REFUNDED")
    confirm_node_cancellations([part_of(order).reference], now=timezone.now())

    assert fresh(order).held_for == "orders.payment_lost"
    assert open_case().detail == ("The payment of #1001 is refunded. Already left: DHL TRACK-P1.")
    assert reserved(mugs) == 0


@pytest.mark.parametrize(("status", "asks"), [("REFUNDED", 0), ("VOIDED", 1), ("EXPIRED", 1)])
def test_money_given_back_for_what_all_left_is_a_return(
    order: Order, pay: Pay, status: str, asks: int
) -> None:
    is_sent("fulfillment.release")
    tell(order, Kind.SHIPPED)

    pay(status)

    assert ExceptionCase.objects.count() == asks
    assert effects(kind="fulfillment.cancel") == []
    assert fresh(order).state == "SHIPPED"


@pytest.mark.parametrize("status", ["PARTIALLY_REFUNDED", "AUTHORIZED", "PAID"])
def test_money_that_is_there_stops_nothing(order: Order, pay: Pay, status: str) -> None:
    is_sent("fulfillment.release")

    assert (pay(status).state, pay(status).held_for) == ("ALLOCATED", "")

    assert effects(kind="fulfillment.cancel") == []
    assert not ExceptionCase.objects.exists()


def test_an_order_that_is_cancelled_after_its_payment_was_voided_ends(
    order: Order, pay: Pay, mugs: StockLevel
) -> None:
    is_sent("fulfillment.release")
    pay("VOIDED")

    pay("VOIDED", cancelled_at=timezone.now(), cancel_reason="fraud")
    confirm_node_cancellations([part_of(order).reference], now=timezone.now())

    assert (fresh(order).state, fresh(order).held_for, reserved(mugs)) == ("CANCELLED", "", 0)
    assert not ExceptionCase.objects.filter(closed_at=None).exists()
