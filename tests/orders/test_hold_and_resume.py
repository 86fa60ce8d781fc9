"""Held orders wait without noise, and go on once, when what was missing is there."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from connectors.models import OutboundMessage
from exceptions.models import ExceptionCase
from inventory.models import Item, Location, StockLevel
from inventory.services.count import record_count
from inventory.services.release import release_stock
from orders.errors import PartlyUnderWay
from orders.models import Order
from orders.services.resume import resume_held_order, resume_longest_waiting
from tests.conftest import PlaceOrder, Stock, advance, line
from tests.orders.node import Kind, part_of, tell
from tests.racing import at_once

STOCK = "inventory.insufficient_stock"


def recount(sku: str, quantity: int, at: str = "BERLIN", seconds: int = 0) -> None:
    counted_at = timezone.now() + timedelta(seconds=seconds)
    record_count(
        item_id=Item.objects.get(sku=sku).pk,
        location_id=Location.objects.get(code=at).pk,
        quantity=quantity,
        counted_at=counted_at,
        effect_key=f"recount:{sku}:{at}:{counted_at.isoformat()}",
    )


def told(order: Order) -> list[str]:
    order.refresh_from_db()
    return [event.kind for event in order.events.order_by("pk")]


def test_an_order_goes_on_when_its_stock_is_counted(place: PlaceOrder, stock: Stock) -> None:
    stock("MUG", 1)
    order = place("1001", line(quantity=3))

    recount("MUG", 3)
    advance()

    assert told(order) == ["accepted", "held", "resumed", "reserved", "allocated"]
    case = ExceptionCase.objects.get()
    assert (case.state, case.resolution) == ("RESOLVED", "by itself")


def test_an_order_goes_on_when_another_lets_go(
    place: PlaceOrder, stock: Stock, now: datetime
) -> None:
    stock("MUG", 3)
    first = place("1001", line(quantity=3))
    second = place("1002", line(quantity=2))
    assert second.held_for == STOCK

    references = [row.reference for row in first.lines.all()]
    release_stock(references, trace_id=None, now=now)
    advance()

    second.refresh_from_db()
    assert (second.state, second.held_for) == ("ALLOCATED", "")


def test_a_count_that_is_still_too_small_wakes_nobody(place: PlaceOrder, stock: Stock) -> None:
    stock("MUG", 0)
    order = place("1001", line(quantity=3))
    case = ExceptionCase.objects.get()

    recount("MUG", 2)
    advance()

    assert told(order) == ["accepted", "held"]
    assert ExceptionCase.objects.get().version == case.version


def test_an_order_that_lacks_one_of_two_things_is_not_woken_over_and_over(
    place: PlaceOrder, stock: Stock, now: datetime
) -> None:
    stock("MUG", 50)
    stock("PLATE", 0)
    order = place("1001", line("MUG"), line("PLATE", number="2"))

    for _ in range(3):
        assert resume_longest_waiting(limit=50, now=now) == 0
        advance()

    assert told(order) == ["accepted", "held"]
    assert ExceptionCase.objects.count() == 1


def test_the_sweep_finds_an_order_that_several_nodes_could_serve_together(
    place: PlaceOrder, stock: Stock, hamburg: Location, now: datetime
) -> None:
    stock("MUG", 2)
    order = place("1001", line(quantity=4))
    mugs = Item.objects.get(sku="MUG")
    StockLevel.objects.create(item=mugs, location=hamburg, on_hand=2)  # nobody said so

    assert resume_longest_waiting(limit=50, now=now) == 1
    advance()

    order.refresh_from_db()
    assert order.state == "ALLOCATED"
    assert order.fulfillment_orders.count() == 2


def test_as_many_wake_as_there_is_stock_for_the_oldest_first(
    place: PlaceOrder, stock: Stock
) -> None:
    stock("MUG", 0)
    waiting = [place(str(number), line(quantity=2)) for number in range(1001, 1006)]

    recount("MUG", 5)
    advance()

    for order in waiting:
        order.refresh_from_db()
    assert [order.state for order in waiting] == ["ALLOCATED"] * 2 + ["ACCEPTED"] * 3
    assert told(waiting[4]) == ["accepted", "held"]


def test_one_that_can_be_served_is_not_hidden_behind_many_that_cannot(
    place: PlaceOrder, stock: Stock, now: datetime
) -> None:
    stock("MUG", 0)
    stock("PLATE", 0)
    for number in range(12):
        place(f"2{number:03}", line("PLATE"))
    order = place("1001", line("MUG"))

    StockLevel.objects.filter(item__sku="MUG").update(on_hand=1)
    resume_longest_waiting(limit=10, now=now)
    advance()

    order.refresh_from_db()
    assert order.state == "ALLOCATED"


def test_a_case_that_somebody_works_on_stays_theirs_while_stock_comes_and_goes(
    place: PlaceOrder, stock: Stock
) -> None:
    stock("MUG", 0)
    place("1001", line(quantity=1))
    place("1002", line(quantity=1))
    second = ExceptionCase.objects.latest("pk")
    ExceptionCase.objects.filter(pk=second.pk).update(state="CLAIMED", detail="seen")

    recount("MUG", 1)
    advance()

    second.refresh_from_db()
    assert (second.state, second.detail) == ("CLAIMED", "seen")
    assert ExceptionCase.objects.count() == 2


def test_only_the_hold_that_was_meant_is_taken_off(
    place: PlaceOrder, stock: Stock, now: datetime
) -> None:
    stock("MUG", 5)
    order = place("1001", financial_status="PENDING")

    assert not resume_held_order(order_id=order.pk, code=STOCK, now=now)
    advance()

    order.refresh_from_db()
    assert (order.state, order.held_for) == ("ACCEPTED", "orders.awaiting_payment")


def test_an_order_that_its_node_dropped_is_placed_again(
    place: PlaceOrder, stock: Stock, now: datetime
) -> None:
    mugs = stock("MUG", 5)
    order = place("1001", line(quantity=2))
    tell(order, Kind.CANCELLED)

    assert resume_held_order(order_id=order.pk, code="orders.cancelled_at_node", now=now)
    advance()

    order.refresh_from_db()
    mugs.refresh_from_db()
    assert (order.state, order.held_for, mugs.reserved) == ("ALLOCATED", "", 2)
    assert (part_of(order, 1).work_status, part_of(order, 2).work_status) == ("CANCELLED", "OPEN")
    releases = OutboundMessage.objects.filter(kind="fulfillment.release").order_by("pk")
    assert [row.reference for row in releases] == ["shopify-de-1001-F1", "shopify-de-1001-F2"]
    assert OutboundMessage.objects.filter(kind="order.post").count() == 1
    assert ExceptionCase.objects.get().state == "RESOLVED"


def test_an_order_whose_goods_were_not_found_is_placed_again(
    place: PlaceOrder, stock: Stock, hamburg: Location, now: datetime
) -> None:
    mugs, more = stock("MUG", 2), stock("MUG", 2, at="HAMBURG")
    order = place("1001", line(quantity=2))
    tell(order, Kind.SHORT)
    recount("MUG", 0)

    resume_held_order(order_id=order.pk, code="orders.node_short", now=now)
    advance()

    mugs.refresh_from_db()
    more.refresh_from_db()
    assert part_of(order, 2).location == hamburg
    assert (mugs.reserved, more.reserved) == (0, 2)


def test_an_order_of_which_a_part_is_under_way_is_not_placed_again(
    place: PlaceOrder, stock: Stock, now: datetime
) -> None:
    stock("MUG", 5)
    order = place("1001", line(quantity=2))
    tell(order, Kind.SHORT, units={"1": 1})

    with pytest.raises(PartlyUnderWay, match=r"^Part of #1001 is under way"):
        resume_held_order(order_id=order.pk, code="orders.node_short", now=now)

    order.refresh_from_db()
    assert (order.state, order.held_for) == ("ALLOCATED", "orders.node_short")


@pytest.mark.django_db(transaction=True)
def test_counts_and_steps_at_once_neither_lose_nor_oversell(
    place: PlaceOrder, stock: Stock
) -> None:
    mugs = stock("MUG", 0)
    for number in range(8):
        place(str(number), line(quantity=1))

    ends = at_once([lambda: recount("MUG", 5), advance, advance, lambda: recount("MUG", 5)])
    advance()
    resume_longest_waiting(limit=50, now=timezone.now())
    advance()

    assert [end for end in ends if isinstance(end, Exception)] == []
    mugs.refresh_from_db()
    assert (mugs.on_hand, mugs.reserved) == (5, 5)
    assert Order.objects.filter(state="ALLOCATED").count() == 5
