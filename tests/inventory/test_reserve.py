"""Promises: whole or not at all, once, and never more than there is, whoever asks."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
from django.db import transaction

from inventory.models import Channel, Reservation, StockLevel, StockMovement
from inventory.services.reserve import promise_stock
from tests.conftest import Stock
from tests.inventory.levels import numbers
from tests.inventory.promises import by_priority, promise, request_for
from tests.racing import at_once

races = pytest.mark.django_db(transaction=True)


def test_promises_what_is_there(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)

    assert promise("A", MUG=3, now=now)

    assert numbers(mugs) == (5, 3)
    (row,) = Reservation.objects.all()
    assert (row.reference, row.quantity, row.consumed_quantity, row.state) == (
        "A:MUG",
        3,
        0,
        "HELD",
    )
    movement = StockMovement.objects.get(kind="RESERVED")
    assert (movement.effect_key, movement.on_hand_change, movement.reserved_change) == (
        f"hold:{row.pk}",
        0,
        3,
    )
    assert (movement.on_hand_after, movement.reserved_after) == (5, 3)


def test_promises_nothing_when_one_line_cannot_be_kept(stock: Stock, now: datetime) -> None:
    mugs, plates = stock("MUG", 5), stock("PLATE", 1)

    assert not promise("A", MUG=1, PLATE=2, now=now)

    assert numbers(mugs) == (5, 0)
    assert numbers(plates) == (1, 0)
    assert not Reservation.objects.exists()
    assert not StockMovement.objects.exclude(kind="COUNTED").exists()


def test_asking_again_returns_the_first_promise(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)

    assert promise("A", MUG=3, now=now)
    assert promise("A", MUG=3, now=now)

    assert numbers(mugs) == (5, 3)
    assert Reservation.objects.count() == 1


def test_requests_of_one_batch_see_what_the_earlier_ones_took(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 3)

    kept = promise_stock(
        [request_for("A", MUG=2), request_for("B", MUG=2), request_for("C", MUG=1)],
        choose=by_priority(),
        now=now,
    )

    assert kept == {"A": True, "B": False, "C": True}
    assert numbers(mugs) == (3, 3)


def test_a_place_that_was_switched_off_promises_nothing(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    mugs.location.is_active = False
    mugs.location.save()

    assert not promise("A", MUG=1, now=now)
    assert numbers(mugs) == (5, 0)


def test_a_shelf_with_less_than_promised_gives_nothing(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    StockLevel.objects.filter(pk=mugs.pk).update(on_hand=1, reserved=4)

    assert not promise("A", MUG=1, now=now)
    assert numbers(mugs) == (1, 4)


@races
def test_the_last_mug_is_promised_once(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 1)

    ends = at_once([partial(promise, f"order-{n}", MUG=1, now=now) for n in range(32)])

    assert sorted(map(str, ends)) == ["False"] * 31 + ["True"]
    assert numbers(mugs) == (1, 1)
    assert Reservation.objects.count() == 1


@races
@pytest.mark.slow
def test_the_last_mug_is_promised_once_round_after_round(stock: Stock, now: datetime) -> None:
    for turn in range(5):
        mugs = stock(f"MUG{turn}", 3)

        ends = at_once(
            [partial(promise, f"{turn}-{n}", now=now, **{f"MUG{turn}": 1}) for n in range(32)]
        )

        assert [end for end in ends if end is not True and end is not False] == []
        assert ends.count(True) == 3
        assert numbers(mugs) == (3, 3)


@races
def test_two_channels_never_sell_the_same_mug(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 7)
    shops = [Channel.objects.create(code=code, name=code) for code in ("shop", "market")]

    ends = at_once(
        [partial(promise, f"{shop.code}-{n}", MUG=2, now=now) for n in range(8) for shop in shops]
    )

    assert ends.count(True) == 3
    assert ends.count(False) == 13
    assert numbers(mugs) == (7, 6)


@races
def test_orders_that_want_the_same_things_crosswise_never_wait_in_a_circle(
    stock: Stock, now: datetime
) -> None:
    skus = ["MUG", "PLATE", "BOWL"]
    for sku in skus:
        stock(sku, 100)
        stock(sku, 100, at="HAMBURG")
    crossing = [dict.fromkeys(skus, 1), dict.fromkeys(reversed(skus), 1)]

    ends = at_once([partial(promise, f"order-{n}", now=now, **crossing[n % 2]) for n in range(32)])

    assert ends == [True] * 32
    assert set(StockLevel.objects.values_list("location__code", "reserved")) == {
        ("BERLIN", 32),
        ("HAMBURG", 0),
    }


@races
def test_the_same_reference_asked_for_at_once_is_promised_once(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 10)
    stock("MUG", 10, at="HAMBURG")

    ends = at_once([partial(promise, "A", MUG=8, now=now)] * 8)

    assert ends == [True] * 8
    assert numbers(mugs) == (10, 8)
    assert Reservation.objects.count() == 1


def test_a_plan_beyond_the_room_is_refused(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 1)
    greedy = by_priority()

    with pytest.raises(AssertionError, match="was planned beyond the room"), transaction.atomic():
        promise_stock(
            [request_for("A", MUG=2)],
            choose=lambda request, _: greedy(
                request, {(request.wanted[0].item_id, mugs.location_id): 9}
            ),
            now=now,
        )

    assert numbers(mugs) == (1, 0)
