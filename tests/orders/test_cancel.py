"""Cancelled in the shop: at once where nobody has it, by asking where somebody has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import Connection, OutboundMessage
from exceptions.models import ExceptionCase
from inventory.models import Location, StockLevel
from orders.models import Order
from orders.services.cancel import confirm_node_cancellations
from tests.conftest import Accept, PlaceOrder, Stock, advance, canonical, line
from tests.orders.node import Kind, part_of, tell
from tests.orders.test_change import later


def cancel(accept: Accept, order: Order, **more: Any) -> Order:
    order.refresh_from_db()
    accept(later(order, cancelled_at=timezone.now(), cancel_reason="customer", **more))
    return Order.objects.get(pk=order.pk)


def reserved(level: StockLevel) -> int:
    level.refresh_from_db()
    return level.reserved


def effects(**wanted: Any) -> list[tuple[str, str]]:
    rows = OutboundMessage.objects.filter(**wanted).order_by("pk")
    return [(row.kind, row.state) for row in rows]


def is_sent(kind: str) -> None:
    OutboundMessage.objects.filter(kind=kind).update(state="SENDING", attempts=1)
    OutboundMessage.objects.filter(kind=kind).update(state="SENT", external_id="X-1")


def test_an_order_nobody_has_is_cancelled_at_once(accept: Accept, mugs: StockLevel) -> None:
    order = cancel(accept, accept(canonical("1001")))

    advance()
    order.refresh_from_db()
    assert (order.state, order.customer_status, order.cancel_reason) == (
        "CANCELLED",
        "Cancelled",
        "customer",
    )
    assert reserved(mugs) == 0
    assert effects() == []


def test_a_held_order_is_cancelled_and_its_case_closes(
    accept: Accept, place: PlaceOrder, stock: Stock
) -> None:
    stock("MUG", 0)
    order = place("1001")
    assert ExceptionCase.objects.get().state == "NEW"

    order = cancel(accept, order)

    assert (order.state, order.held_for) == ("CANCELLED", "")
    assert ExceptionCase.objects.get().state == "RESOLVED"


def test_what_was_not_sent_yet_is_taken_back(
    accept: Accept, place: PlaceOrder, mugs: StockLevel
) -> None:
    order = cancel(accept, place("1001", line(quantity=2)))

    assert order.state == "CANCELLED"
    assert reserved(mugs) == 0
    assert effects() == [("order.post", "CANCELLED"), ("fulfillment.release", "CANCELLED")]
    assert part_of(order).work_status == "CANCELLED"


def test_a_node_that_has_it_is_asked_and_the_erp_hears_of_it_when_it_agreed(
    accept: Accept, place: PlaceOrder, mugs: StockLevel, wms: Connection, erp: Connection
) -> None:
    order = place("1001", line(quantity=2))
    is_sent("order.post")
    is_sent("fulfillment.release")

    order = cancel(accept, order)

    assert (order.state, reserved(mugs)) == ("ALLOCATED", 2)
    assert part_of(order).request_status == "CANCELLATION_REQUESTED"
    assert effects(kind__contains="cancel") == [("fulfillment.cancel", "READY")]
    asked = OutboundMessage.objects.get(kind="fulfillment.cancel")
    assert (asked.connection, asked.reference) == (wms, "shopify-de-1001-F1")
    assert asked.payload == {
        "reference": "shopify-de-1001-F1",
        "reason": "customer",
        "external_id": "X-1",
    }

    confirm_node_cancellations(["shopify-de-1001-F1"], now=timezone.now())

    order.refresh_from_db()
    assert (order.state, reserved(mugs)) == ("CANCELLED", 0)
    assert effects(connection=erp) == [("order.post", "SENT"), ("order.cancel", "READY")]


def test_the_last_of_several_nodes_finishes_it(
    accept: Accept, place: PlaceOrder, stock: Stock, mugs: StockLevel, hamburg: Location
) -> None:
    stock("MUG", 5, at="HAMBURG")
    order = place("1001", line(quantity=8))
    is_sent("fulfillment.release")
    order = cancel(accept, order)

    tell(order, Kind.CANCELLED, part=1)
    order.refresh_from_db()
    assert order.state == "ALLOCATED"

    tell(order, Kind.CANCELLED, part=2)
    order.refresh_from_db()
    assert (order.state, order.held_for) == ("CANCELLED", "")
    assert not ExceptionCase.objects.exists()


@pytest.mark.parametrize("units", [None, {"1": 1}], ids=["all of it", "a part of it"])
def test_goods_that_have_left_cannot_be_cancelled(
    accept: Accept, place: PlaceOrder, mugs: StockLevel, units: dict[str, int] | None
) -> None:
    order = place("1001", line(quantity=2))
    tell(order, Kind.SHIPPED, units=units)
    order.refresh_from_db()
    before = order.state

    order = cancel(accept, order)

    assert (order.state, order.held_for) == (before, "orders.too_late_to_cancel")
    assert ExceptionCase.objects.get().code == "orders.too_late_to_cancel"
    assert effects(kind__contains="cancel") == []


def test_a_later_snapshot_does_not_bring_a_cancelled_order_back(
    accept: Accept, place: PlaceOrder, mugs: StockLevel, now: datetime
) -> None:
    order = cancel(accept, place("1001", line(quantity=2)))
    when = order.cancelled_at

    accept(later(order, line(quantity=2, removed_quantity=2), minutes=2, cancelled_at=when))
    advance()

    order.refresh_from_db()
    assert order.state == "CANCELLED"
    assert reserved(mugs) == 0


def test_a_snapshot_while_the_node_is_asked_raises_no_alarm(
    accept: Accept, place: PlaceOrder, mugs: StockLevel
) -> None:
    order = place("1001", line(quantity=2))
    is_sent("fulfillment.release")
    order = cancel(accept, order)

    # The shop takes all units off a cancelled order.
    when = order.cancelled_at
    accept(later(order, line(quantity=2, removed_quantity=2), cancelled_at=when))

    order.refresh_from_db()
    assert order.held_for == ""
    assert not ExceptionCase.objects.exists()


def test_an_order_whose_node_gave_up_is_cancelled_in_the_erp_too(
    accept: Accept, place: PlaceOrder, mugs: StockLevel, erp: Connection
) -> None:
    order = place("1001", line(quantity=2))
    is_sent("order.post")
    is_sent("fulfillment.release")
    tell(order, Kind.CANCELLED)

    order = cancel(accept, order)

    assert (order.state, order.held_for) == ("CANCELLED", "")
    assert effects(connection=erp) == [("order.post", "SENT"), ("order.cancel", "READY")]
    assert ExceptionCase.objects.get().state == "RESOLVED"


def test_an_order_that_was_cancelled_and_shipped_all_the_same_is_told_to_a_person(
    accept: Accept, place: PlaceOrder, mugs: StockLevel
) -> None:
    order = cancel(accept, place("1001", line(quantity=2)))

    tell(order, Kind.SHIPPED, at=timezone.now() - timedelta(seconds=1))

    order.refresh_from_db()
    mugs.refresh_from_db()
    assert (order.state, order.held_for) == ("CANCELLED", "orders.too_late_to_cancel")
    assert (mugs.on_hand, mugs.reserved) == (3, 0)
    assert ExceptionCase.objects.get().order == order
