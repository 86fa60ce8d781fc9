"""What nodes say, in any order and twice: the end is the same; stock moves once."""

from __future__ import annotations

from itertools import permutations

import pytest
from django.db import transaction

from connectors.models import OutboundMessage
from exceptions.models import ExceptionCase
from inventory.models import Reservation, StockLevel
from orders.canonical import CanonicalFulfillmentEvent
from orders.errors import FulfillmentUnknown, NotShippedYet
from orders.models import Order, Shipment
from retailhub.kernel.errors import RetryLater
from tests.inventory.levels import numbers
from tests.orders.node import Kind, hear, part_of, said, tell

STORY = (Kind.ACKNOWLEDGED, Kind.PICKED, Kind.PACKED, Kind.SHIPPED, Kind.DELIVERED)


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
    assert numbers(mugs) == (3, 0)
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
                    numbers(mugs),
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
            ends.add((order.state, order.is_partial, numbers(mugs), Shipment.objects.count()))
            transaction.set_rollback(True)

    assert ends == {("DELIVERED", False, (3, 0), 2)}


def test_everything_heard_twice_changes_nothing(order: Order, mugs: StockLevel) -> None:
    for kind in STORY:
        tell(order, kind)
    kinds_of_shipment = ["fulfillment.post", "shipment.notify"]

    tell(order, Kind.SHIPPED)
    tell(order, Kind.DELIVERED)

    assert numbers(mugs) == (3, 0)
    assert Shipment.objects.count() == 1
    assert OutboundMessage.objects.filter(kind__in=kinds_of_shipment).count() == 2
    assert order.events.filter(kind="delivered").count() == 1


def test_delivery_before_shipment_waits(order: Order, mugs: StockLevel) -> None:
    with pytest.raises(NotShippedYet):
        tell(order, Kind.DELIVERED)

    order.refresh_from_db()
    assert order.state == "ALLOCATED"
    assert numbers(mugs) == (5, 2)


def test_news_of_something_nobody_asked_for_waits(order: Order) -> None:
    with pytest.raises(FulfillmentUnknown, match="shopify-de-1001-F7"):
        tell(order, Kind.PICKED, part=7)
