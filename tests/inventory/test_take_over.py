"""An order takes over what its basket holds: never twice, and nobody comes between."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from functools import partial

import pytest

from inventory.models import Reservation, StockLevel
from inventory.services.expire_holds import expire_holds
from inventory.services.reserve import PromiseRequest, promise_stock
from tests.conftest import Stock
from tests.inventory.holds import SHOP, hold, line
from tests.inventory.promises import by_priority, promise, request_for
from tests.racing import at_once

MINUTE = timedelta(minutes=1)


def taking(reference: str, basket: str, **units: int) -> PromiseRequest:
    return dataclasses.replace(request_for(reference, **units), instead_of=f"{SHOP}/{basket}")


def ask(*requests: PromiseRequest, now: datetime) -> list[bool]:
    kept = promise_stock(requests, choose=by_priority(), now=now)
    return [kept[request.key] for request in requests]


def stand() -> list[tuple[str, int, str]]:
    rows = Reservation.objects.order_by("pk")
    return [(row.reference.partition("#")[0], row.quantity, row.state) for row in rows]


def reserved(level: StockLevel) -> int:
    level.refresh_from_db()
    return level.reserved


@pytest.mark.parametrize(("held", "wanted"), [(3, 3), (1, 3), (3, 2)])
def test_what_the_basket_held_is_the_orders_and_the_rest_is_as_usual(
    stock: Stock, now: datetime, held: int, wanted: int
) -> None:
    mugs = stock("MUG", 5)
    hold("basket", line("MUG", held), now=now, seconds=60)

    assert ask(taking("A", "basket", MUG=wanted), now=now) == [True]

    assert stand()[0] == (f"{SHOP}/basket", held, "RELEASED")
    assert [(units, state) for _, units, state in stand()[1:]] == [(wanted, "HELD")]
    assert reserved(mugs) == wanted
    assert ask(taking("A", "basket", MUG=wanted), now=now) == [True]
    assert expire_holds(now=now + 2 * MINUTE) == 0
    assert reserved(mugs) == wanted


def test_items_that_the_order_leaves_out_are_free_again(stock: Stock, now: datetime) -> None:
    mugs, plates = stock("MUG", 1), stock("PLATE", 1)
    hold("basket", line("MUG", 1), line("PLATE", 1), now=now)

    assert ask(taking("A", "basket", MUG=1), now=now) == [True]

    assert (reserved(mugs), reserved(plates)) == (1, 0)


def test_an_order_that_gets_too_little_leaves_the_basket_what_it_has(
    stock: Stock, now: datetime
) -> None:
    mugs = stock("MUG", 5)
    hold("basket", line("MUG", 3), now=now)
    promise("B", MUG=1, now=now)

    assert ask(taking("A", "basket", MUG=5), now=now) == [False]

    assert stand()[0] == (f"{SHOP}/basket", 3, "HELD")
    assert reserved(mugs) == 4


def test_a_hold_that_has_ended_is_no_hindrance_and_no_help(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 3)
    hold("basket", line("MUG", 2), now=now - 2 * MINUTE, seconds=60)

    # Its time is up, though the clock has not looked: its units are nobody's yet.
    assert ask(taking("A", "basket", MUG=2), now=now) == [False]
    expire_holds(now=now)
    assert ask(taking("A", "basket", MUG=2), taking("B", "never", MUG=1), now=now) == [True, True]

    assert reserved(mugs) == 3


def test_of_two_orders_that_name_one_basket_the_first_has_it(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 2)
    hold("basket", line("MUG", 2), now=now)

    kept = ask(
        request_for("B", MUG=1), taking("A", "basket", MUG=2), taking("C", "basket", MUG=2), now=now
    )

    assert kept == [False, True, False]
    assert reserved(mugs) == 2


@pytest.mark.django_db(transaction=True)
def test_nobody_comes_between_a_basket_and_its_order(stock: Stock, now: datetime) -> None:
    for number in range(10):
        level = stock(f"MUG-{number}", 1)
        basket, sku = f"basket-{number}", f"MUG-{number}"
        hold(basket, line(sku, 1), now=now)
        others = [request_for(f"other-{number}-{n}", **{sku: 1}) for n in range(7)]
        mine = taking(f"mine-{number}", basket, **{sku: 1})

        ends = at_once([partial(ask, request, now=now) for request in (*others, mine)])

        assert ends == [[False]] * 7 + [[True]]
        assert reserved(level) == 1
