"""What nodes say: in any order, twice, in parts. The end is the same; stock moves once."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from django.db import transaction
from django.utils import timezone

from connectors.models import OutboundMessage
from exceptions.models import ExceptionCase
from inventory.models import Location, Reservation, StockLevel
from orders.canonical import CanonicalFulfillmentEvent
from orders.errors import FulfillmentUnknown, NotShippedYet, ShipsTooMuch
from orders.models import Order, Shipment
from retailhub.kernel.errors import RetryLater
from tests.conftest import PlaceOrder, Stock, line
from tests.orders.node import Kind, hear, part_of, said, tell

STORY = (Kind.ACKNOWLEDGED, Kind.PICKED, Kind.PACKED, Kind.SHIPPED, Kind.DELIVERED)


@pytest.fixture
def mugs(stock: Stock) -> StockLevel:
    return stock("MUG", 5)


@pytest.fixture
def order(place: PlaceOrder, mugs: StockLevel) -> Order:
    return place("1001", line(quantity=2))


def levels(level: StockLevel) -> tuple[int, int]:
    level.refresh_from_db()
    return level.on_hand, level.reserved


def hear_until_all_are_taken(events: list[CanonicalFulfillmentEvent]) -> None:
    """As the inbox does: what is too early is tried again after the others."""
    for _ in range(len(events)):
        later = []
        for event in events:
            try:
                with transaction.atomic():
                    hear(event)
            except RetryLater:
                later.append(event)
        if not later:
            return
        events = later
    raise AssertionError(f"never taken: {events}")


def test_an_order_goes_from_step_to_step(order: Order, mugs: StockLevel) -> None:
    seen = []
    for kind in STORY:
        tell(order, kind)
        order.refresh_from_db()
        seen.append((order.state, order.customer_status))

    assert seen == [
        ("ALLOCATED", "In preparation"),
        ("PICKED", "In preparation"),
        ("PACKED", "Ready to ship"),
        ("SHIPPED", "On its way"),
        ("DELIVERED", "Delivered"),
    ]
    part = part_of(order)
    assert (part.work_status, part.request_status, part.external_id, part.progress) == (
        "CLOSED",
        "ACCEPTED",
        "ob_1",
        "DELIVERED",
    )
    assert part.closed_at is not None
    assert levels(mugs) == (3, 0)
    assert order.delivered_at is not None


@pytest.mark.slow
def test_every_order_of_news_ends_the_same(order: Order, mugs: StockLevel) -> None:
    ends = set()

    for story in permutations(STORY):
        with transaction.atomic():
            hear_until_all_are_taken([said(order, kind) for kind in story])
            order.refresh_from_db()
            part = part_of(order)
            ends.add(
                (
                    order.state,
                    order.customer_status,
                    order.is_partial,
                    order.held_for,
                    part.progress,
                    part.work_status,
                    part.request_status,
                    levels(mugs),
                    Reservation.objects.get().state,
                    Shipment.objects.filter(delivered_at__isnull=False).count(),
                    OutboundMessage.objects.exclude(kind="order.post").count(),
                    ExceptionCase.objects.count(),
                )
            )
            transaction.set_rollback(True)

    assert ends == {
        (
            "DELIVERED",
            "Delivered",
            False,
            "",
            "DELIVERED",
            "CLOSED",
            "ACCEPTED",
            (3, 0),
            "CONSUMED",
            1,
            3,
            0,
        )
    }


def test_two_parcels_in_every_order_end_the_same(order: Order, mugs: StockLevel) -> None:
    news = [
        said(order, Kind.SHIPPED, parcel="P1", units={"1": 1}),
        said(order, Kind.SHIPPED, parcel="P2", units={"1": 1}),
        said(order, Kind.DELIVERED, parcel="P1"),
        said(order, Kind.DELIVERED, parcel="P2"),
    ]
    ends = set()

    for story in permutations(news):
        with transaction.atomic():
            hear_until_all_are_taken(list(story))
            order.refresh_from_db()
            ends.add((order.state, order.is_partial, levels(mugs), Shipment.objects.count()))
            transaction.set_rollback(True)

    assert ends == {("DELIVERED", False, (3, 0), 2)}


def test_everything_heard_twice_changes_nothing(order: Order, mugs: StockLevel) -> None:
    for kind in STORY:
        tell(order, kind)
    kinds_of_shipment = ["fulfillment.post", "shipment.notify"]

    tell(order, Kind.SHIPPED)
    tell(order, Kind.DELIVERED)

    assert levels(mugs) == (3, 0)
    assert Shipment.objects.count() == 1
    assert OutboundMessage.objects.filter(kind__in=kinds_of_shipment).count() == 2
    assert order.events.filter(kind="delivered").count() == 1


def test_a_parcel_is_told_to_the_shop_and_the_erp(order: Order) -> None:
    tell(order, Kind.SHIPPED)

    parcel = Shipment.objects.get()
    assert (parcel.carrier, parcel.tracking_number, parcel.reference) == (
        "DHL",
        "TRACK-P1",
        f"shopify-de-1001-F1-S{parcel.pk}",
    )
    told = OutboundMessage.objects.filter(reference=parcel.reference).order_by("pk")
    assert [(row.connection.slug, row.kind) for row in told] == [
        ("netsuite", "fulfillment.post"),
        ("shopify-de", "shipment.notify"),
    ]
    assert told[0].payload["lines"][0]["quantity"] == 2


def test_a_part_of_an_order_ships_first(order: Order, mugs: StockLevel) -> None:
    tell(order, Kind.PACKED)
    tell(order, Kind.SHIPPED, parcel="P1", units={"1": 1})

    order.refresh_from_db()
    assert (order.state, order.is_partial) == ("PACKED", True)
    assert levels(mugs) == (4, 1)

    tell(order, Kind.SHIPPED, parcel="P2", units={"1": 1})

    order.refresh_from_db()
    assert (order.state, order.is_partial) == ("SHIPPED", False)
    assert levels(mugs) == (3, 0)


def test_one_parcel_that_arrives_does_not_make_the_other_arrive(order: Order) -> None:
    tell(order, Kind.SHIPPED, parcel="P1", units={"1": 1})
    tell(order, Kind.DELIVERED, parcel="P1")
    tell(order, Kind.SHIPPED, parcel="P2", units={"1": 1})

    order.refresh_from_db()
    assert order.state == "SHIPPED"
    arrived = Shipment.objects.filter(delivered_at__isnull=False)
    assert [parcel.external_id for parcel in arrived] == ["P1"]

    tell(order, Kind.DELIVERED, parcel="P2")

    order.refresh_from_db()
    assert order.state == "DELIVERED"


def test_the_slower_node_decides(
    place: PlaceOrder, stock: Stock, mugs: StockLevel, hamburg: Location
) -> None:
    stock("MUG", 5, at="HAMBURG")
    order = place("1001", line(quantity=8))

    tell(order, Kind.SHIPPED, part=1)
    order.refresh_from_db()
    assert (order.state, order.is_partial) == ("ALLOCATED", True)

    tell(order, Kind.SHIPPED, part=2, parcel="P2")
    order.refresh_from_db()
    assert (order.state, order.is_partial) == ("SHIPPED", False)


def test_delivery_before_shipment_waits(order: Order, mugs: StockLevel) -> None:
    with pytest.raises(NotShippedYet):
        tell(order, Kind.DELIVERED)

    order.refresh_from_db()
    assert order.state == "ALLOCATED"
    assert levels(mugs) == (5, 2)


def test_news_of_something_nobody_asked_for_waits(order: Order) -> None:
    with pytest.raises(FulfillmentUnknown, match="shopify-de-1001-F7"):
        tell(order, Kind.PICKED, part=7)


@pytest.mark.parametrize("units", [{"1": 3}, {"1": 2, "9": 1}])
def test_a_parcel_with_more_than_was_asked_for_is_refused_whole(
    order: Order, mugs: StockLevel, units: dict[str, int]
) -> None:
    with pytest.raises(ShipsTooMuch), transaction.atomic():
        tell(order, Kind.SHIPPED, units=units)

    order.refresh_from_db()
    assert order.state == "ALLOCATED"
    assert levels(mugs) == (5, 2)
    assert not Shipment.objects.exists()


def test_a_node_that_finds_nothing_holds_the_order(order: Order, mugs: StockLevel) -> None:
    tell(order, Kind.SHORT, reason="not_on_shelf")

    order.refresh_from_db()
    assert (order.state, order.held_for) == ("ALLOCATED", "orders.node_short")
    assert order.hold_detail == "WMS Berlin can't find the goods of #1001: not_on_shelf."
    assert part_of(order).work_status == "INCOMPLETE"
    assert ExceptionCase.objects.get().code == "orders.node_short"


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
    assert levels(mugs) == (4, 0)
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
    assert levels(mugs) == (3, 0)


def test_a_node_that_cancels_by_itself_holds_the_order_and_frees_the_stock(
    order: Order, mugs: StockLevel
) -> None:
    tell(order, Kind.CANCELLED)

    order.refresh_from_db()
    assert (order.state, order.held_for) == ("ALLOCATED", "orders.cancelled_at_node")
    assert part_of(order).work_status == "CANCELLED"
    assert levels(mugs) == (5, 0)
    assert ExceptionCase.objects.get().title == "WMS Berlin cancelled #1001 by itself."


def test_goods_that_leave_after_the_node_agreed_to_drop_them_are_told_to_a_person(
    order: Order, mugs: StockLevel
) -> None:
    tell(order, Kind.CANCELLED)

    tell(order, Kind.SHIPPED)

    order.refresh_from_db()
    assert order.held_for == "orders.too_late_to_cancel"
    assert levels(mugs) == (3, 0)
    assert Shipment.objects.count() == 1


def test_a_clock_at_the_node_that_runs_ahead_hides_no_later_count(
    order: Order, mugs: StockLevel
) -> None:
    tell(order, Kind.SHIPPED, at=timezone.now() + timedelta(days=900))

    assert Shipment.objects.get().shipped_at <= timezone.now()
