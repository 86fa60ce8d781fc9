"""What the database itself refuses, by name."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from inventory.models import Item, Location, Reservation, StockLevel, StockMovement
from tests.conftest import Stock


def refused(name: str) -> pytest.RaisesExc[IntegrityError]:
    return pytest.raises(IntegrityError, match=name)


def test_a_location_has_a_code(db: None) -> None:
    with refused("inventory_location_code_is_never_empty"):
        Location.objects.create(code="", name="Nowhere")


def test_a_shelf_has_one_level_per_item(stock: Stock) -> None:
    mugs = stock("MUG", 1)

    with refused("inventory_stocklevel_one_per_item_and_location"):
        StockLevel.objects.create(item=mugs.item, location=mugs.location)


def test_what_is_reserved_is_never_negative(stock: Stock) -> None:
    mugs = stock("MUG", 1)

    with refused("inventory_stocklevel_reserved_never_negative"):
        StockLevel.objects.filter(pk=mugs.pk).update(reserved=-1)


def test_a_movement_happens_once(stock: Stock) -> None:
    stock("MUG", 1)
    movement = StockMovement.objects.get()
    movement.pk = None

    with refused("effect_key"):
        movement.save()


def test_a_reference_holds_one_promise_per_shelf(stock: Stock) -> None:
    mugs = stock("MUG", 5)
    promise = {"reference": "A", "item": mugs.item, "location": mugs.location, "quantity": 1}
    Reservation.objects.create(**promise, state="RELEASED")
    Reservation.objects.create(**promise)

    with refused("inventory_reservation_one_held_per_reference"):
        Reservation.objects.create(**promise)


def test_a_promise_is_of_something(stock: Stock) -> None:
    mugs = stock("MUG", 5)

    with refused("inventory_reservation_promises_something"):
        Reservation.objects.create(
            reference="A", item=mugs.item, location=mugs.location, quantity=0
        )


def test_no_more_leaves_on_a_promise_than_it_says(stock: Stock) -> None:
    mugs = stock("MUG", 5)

    with refused("inventory_reservation_consumes_at_most_the_promise"):
        Reservation.objects.create(
            reference="A",
            item=mugs.item,
            location=mugs.location,
            quantity=1,
            consumed_quantity=2,
        )


def test_a_sku_is_one_item(db: None) -> None:
    Item.objects.create(sku="MUG")

    with refused("sku"):
        Item.objects.create(sku="MUG")
