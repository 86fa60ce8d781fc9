"""Goods leave and arrive parcel by parcel, and everybody is told of each."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from connectors.models import OutboundMessage
from inventory.models import Location, StockLevel
from orders.errors import ShipsTooMuch
from orders.models import Order, Shipment
from tests.conftest import PlaceOrder, Stock, line
from tests.inventory.levels import numbers
from tests.orders.node import Kind, tell


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
    assert numbers(mugs) == (4, 1)

    tell(order, Kind.SHIPPED, parcel="P2", units={"1": 1})

    order.refresh_from_db()
    assert (order.state, order.is_partial) == ("SHIPPED", False)
    assert numbers(mugs) == (3, 0)


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


@pytest.mark.parametrize("units", [{"1": 3}, {"1": 2, "9": 1}])
def test_a_parcel_with_more_than_was_asked_for_is_refused_whole(
    order: Order, mugs: StockLevel, units: dict[str, int]
) -> None:
    with pytest.raises(ShipsTooMuch), transaction.atomic():
        tell(order, Kind.SHIPPED, units=units)

    order.refresh_from_db()
    assert order.state == "ALLOCATED"
    assert numbers(mugs) == (5, 2)
    assert not Shipment.objects.exists()


def test_a_clock_at_the_node_that_runs_ahead_hides_no_later_count(
    order: Order, mugs: StockLevel
) -> None:
    tell(order, Kind.SHIPPED, at=timezone.now() + timedelta(days=900))

    assert Shipment.objects.get().shipped_at <= timezone.now()
