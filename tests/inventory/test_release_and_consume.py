"""Promises end once: given back, or gone with the goods."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest

from inventory.models import Reservation, StockLevel, StockMovement
from inventory.services.consume import Consumption, consume_stock
from inventory.services.release import release_stock
from tests.conftest import Stock
from tests.inventory.levels import numbers
from tests.inventory.promises import promise
from tests.racing import at_once

races = pytest.mark.django_db(transaction=True)


def ship(level: StockLevel, quantity: int, *, key: str = "ship:1", at: datetime) -> None:
    part = Consumption(
        reference="A:MUG",
        item_id=level.item_id,
        location_id=level.location_id,
        quantity=quantity,
        effect_key=key,
    )
    consume_stock([part], trace_id=None, left_at=at)


def test_releases_once(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=3, now=now)

    assert release_stock(["A:MUG"], trace_id=None, now=now) == 3
    assert release_stock(["A:MUG"], trace_id=None, now=now) == 0

    assert numbers(mugs) == (5, 0)
    assert StockMovement.objects.filter(kind="RELEASED").count() == 1


def test_a_released_promise_leaves_room_for_a_new_one(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 3)
    promise("A", MUG=3, now=now)
    release_stock(["A:MUG"], trace_id=None, now=now)

    assert promise("A", MUG=3, now=now)

    assert numbers(mugs) == (3, 3)
    assert sorted(Reservation.objects.values_list("state", flat=True)) == ["HELD", "RELEASED"]


def test_releases_at_one_place_only(stock: Stock, now: datetime) -> None:
    mugs, more = stock("MUG", 2), stock("MUG", 2, at="HAMBURG")
    promise("A", MUG=4, now=now)

    assert release_stock(["A:MUG"], trace_id=None, now=now, location_id=mugs.location_id) == 2

    assert (numbers(mugs), numbers(more)) == ((2, 0), (2, 2))


def test_releases_only_what_has_not_left(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=3, now=now)
    ship(mugs, 1, at=now)

    assert release_stock(["A:MUG"], trace_id=None, now=now) == 2

    assert numbers(mugs) == (4, 0)


def test_consumes_once(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=3, now=now)

    ship(mugs, 3, at=now)
    ship(mugs, 3, at=now)

    assert numbers(mugs) == (2, 0)
    assert Reservation.objects.get().state == "CONSUMED"
    assert StockMovement.objects.filter(kind="CONSUMED").count() == 1


def test_parts_leave_one_after_the_other(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=3, now=now)

    ship(mugs, 1, key="ship:1", at=now)
    assert numbers(mugs) == (4, 2)
    assert Reservation.objects.get().state == "HELD"

    ship(mugs, 2, key="ship:2", at=now)
    assert numbers(mugs) == (2, 0)
    assert Reservation.objects.get().state == "CONSUMED"


def test_more_than_promised_is_the_truth_and_takes_no_other_promise(
    stock: Stock, now: datetime
) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=1, now=now)
    promise("B", MUG=2, now=now)

    ship(mugs, 4, at=now)

    assert numbers(mugs) == (1, 2)


def test_what_left_without_a_promise_lowers_only_what_is_there(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)

    ship(mugs, 2, at=now)

    assert numbers(mugs) == (3, 0)


@races
def test_a_release_and_a_shipment_at_once_never_lose_a_unit(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 10)
    promise("A", MUG=6, now=now)

    def ship_two(level: StockLevel) -> int:
        ship(level, 2, at=now + timedelta(seconds=1))
        return -1

    give_back = partial(release_stock, ["A:MUG"], trace_id=None, now=now)

    freed, left = at_once([give_back, partial(ship_two, mugs)])

    assert (freed, left) in {(6, -1), (4, -1)}
    assert numbers(mugs) == (8, 0)


@races
def test_pressing_release_many_times_frees_once(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 10)
    promise("A", MUG=6, now=now)

    ends = at_once([lambda: release_stock(["A:MUG"], trace_id=None, now=now) for _ in range(8)])

    assert sorted(map(str, ends)) == ["0"] * 7 + ["6"]
    assert numbers(mugs) == (10, 0)
