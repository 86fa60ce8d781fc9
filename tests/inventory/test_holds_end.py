"""Holds end once: committed for good, given back, or over by the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest

from inventory.errors import ReservationConflict, ReservationEnded, ReservationUnknown
from inventory.models import Location, Reservation, StockMovement
from inventory.services.commit_hold import commit_hold
from inventory.services.expire_holds import expire_holds
from inventory.services.release_hold import release_hold
from inventory.services.transfer_hold import Transfer, transfer_hold
from orders.models import Order
from orders.services.reserve import reserve_due_orders
from retailhub.schedule import JOBS
from tests.conftest import Accept, Stock, canonical
from tests.conftest import line as order_line
from tests.inventory.holds import SHOP, granted, hold, line, ship, states
from tests.inventory.levels import numbers
from tests.racing import at_once

races = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)
Act = Callable[[], object]


def test_what_is_committed_never_expires(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    hold("A", line("MUG", 3), now=now, seconds=60)

    told = commit_hold(owner=SHOP, reference="A", now=now)

    assert told == {
        "expires_at": None,
        "lines": [{"sku": "MUG", "node": "BERLIN", "quantity": 3, "consumed": 0, "state": "HELD"}],
    }
    assert commit_hold(owner=SHOP, reference="A", now=now) == told
    assert expire_holds(now=now + 2 * MINUTE) == 0
    assert numbers(mugs) == (5, 3)


def test_expires_what_is_due_and_nothing_else(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 9)
    hold("A", line("MUG", 3), now=now, seconds=60)
    hold("B", line("MUG", 2), now=now, seconds=61)
    hold("C", line("MUG", 1), now=now)
    ship(mugs, 1, now)

    assert expire_holds(now=now + MINUTE) == 1
    assert expire_holds(now=now + MINUTE) == 0

    assert states() == ["EXPIRED", "HELD", "HELD"]
    assert numbers(mugs) == (8, 3)
    movement = StockMovement.objects.get(kind="RELEASED")
    assert (movement.reserved_change, movement.reserved_after) == (-2, 3)
    assert movement.effect_key == f"expire:{Reservation.objects.earliest('pk').pk}"
    assert movement.reason == "The hold expired."


def test_expires_in_bounded_turns(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 50)
    for n in range(7):
        hold(f"A{n}", line("MUG", 1), now=now, seconds=1)

    assert expire_holds(now=now + MINUTE, limit=3) == 7
    assert numbers(mugs) == (50, 0)


def test_the_clock_looks_often_enough_to_free_stock_within_five_seconds() -> None:
    # A slot's length, and the longest a watcher sleeps (1.3 s) before it sees that it began.
    assert JOBS["expire holds"].seconds + 1.3 < 5


def test_what_expires_wakes_the_order_that_waits(
    stock: Stock, accept: Accept, now: datetime
) -> None:
    stock("MUG", 2)
    hold("A", line("MUG", 2), now=now, seconds=1)
    order = accept(canonical("1001", order_line("MUG", 2)))
    reserve_due_orders(limit=10, now=now)
    assert Order.objects.get(pk=order.pk).held_for == "inventory.insufficient_stock"

    JOBS["expire holds"].run(now + MINUTE)

    assert Order.objects.get(pk=order.pk).held_for == ""
    reserve_due_orders(limit=10, now=now)
    assert Order.objects.get(pk=order.pk).state == "RESERVED"


def test_too_late_to_commit_once_the_time_is_up_even_before_the_clock_looked(
    stock: Stock, now: datetime
) -> None:
    stock("MUG", 5)
    hold("A", line("MUG", 3), now=now, seconds=60)

    with pytest.raises(ReservationEnded, match="A has expired"):
        commit_hold(owner=SHOP, reference="A", now=now + MINUTE, key="k")
    expire_holds(now=now + MINUTE)
    with pytest.raises(ReservationEnded, match="A has expired"):
        commit_hold(owner=SHOP, reference="A", now=now + MINUTE, key="k2")
    # The first answer, whatever the time is now.
    with pytest.raises(ReservationEnded, match="A has expired"):
        commit_hold(owner=SHOP, reference="A", now=now, key="k")


def test_says_why_there_is_nothing_to_commit(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    hold("A", line("MUG", 1), now=now)
    ship(mugs, 1, now)
    hold("B", line("MUG", 1), now=now)
    release_hold(owner=SHOP, reference="B", now=now)

    with pytest.raises(ReservationEnded, match="A has left with the goods"):
        commit_hold(owner=SHOP, reference="A", now=now)
    with pytest.raises(ReservationEnded, match="B was released"):
        commit_hold(owner=SHOP, reference="B", now=now)
    with pytest.raises(ReservationUnknown, match="no reservation C"):
        commit_hold(owner=SHOP, reference="C", now=now)
    with pytest.raises(ReservationUnknown):
        commit_hold(owner="outlet", reference="A", now=now)


def test_releases_once_and_says_the_same_again(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    hold("A", line("MUG", 3), now=now)

    told = release_hold(owner=SHOP, reference="A", now=now, key="k")

    assert [one["state"] for one in told["lines"]] == ["RELEASED"]
    assert release_hold(owner=SHOP, reference="A", now=now, key="k") == told
    assert release_hold(owner=SHOP, reference="A", now=now) == told
    assert numbers(mugs) == (5, 0)
    with pytest.raises(ReservationUnknown):
        release_hold(owner=SHOP, reference="B", now=now)


def test_one_key_serves_one_request(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    hold("A", line("MUG", 3), now=now, key="k")

    with pytest.raises(ReservationConflict):
        release_hold(owner=SHOP, reference="A", now=now, key="k")

    assert numbers(mugs) == (5, 3)


def test_best_effort_parts_end_together(stock: Stock, now: datetime) -> None:
    mugs, plates = stock("MUG", 1), stock("PLATE", 5)
    answer = hold("A", line("MUG", 2), line("PLATE", 2), now=now, is_all_or_nothing=False)

    release_hold(owner=SHOP, reference="A", now=now)

    assert granted(answer) == [1, 2]
    assert (numbers(mugs), numbers(plates)) == ((1, 0), (5, 0))


@races
@pytest.mark.parametrize("turn", range(3))
def test_the_clock_and_a_commit_at_once_have_one_outcome(
    stock: Stock, now: datetime, turn: int
) -> None:
    mugs = stock("MUG", 50)
    for n in range(10):
        hold(f"A{n}", line("MUG", 1), now=now, seconds=60)
    # Both sides look at their own watch: the buyer's says there is time, the clock's says there
    # is none.
    acts: list[Act] = [
        partial(commit_hold, owner=SHOP, reference=f"A{n}", now=now) for n in range(10)
    ]

    ends = at_once(acts + [partial(expire_holds, now=now + MINUTE)] * 2)

    committed = sum(isinstance(end, dict) for end in ends[:10])
    refused = sum(isinstance(end, ReservationEnded) for end in ends[:10])
    expire_holds(now=now + MINUTE)
    assert committed + refused == 10
    assert states().count("HELD") == committed
    assert states().count("EXPIRED") == refused
    assert numbers(mugs) == (50, committed)


@races
def test_release_commit_transfer_and_expiry_at_once_never_wait_in_a_circle(
    stock: Stock, now: datetime
) -> None:
    skus = ["MUG", "PLATE", "BOWL"]
    levels = [stock(sku, 100, at) for sku in skus for at in ("BERLIN", "MUNICH")]
    for n in range(12):
        order = skus if n % 2 else skus[::-1]
        hold(f"A{n}", *[line(sku, 1) for sku in order], now=now, seconds=60)
    munich = Location.objects.get(code="MUNICH").pk

    def transfer(n: int) -> object:
        return transfer_hold(
            Transfer(owner=SHOP, reference=f"A{n}", to_location_id=munich), now=now
        )

    acts: list[Act] = [partial(expire_holds, now=now + MINUTE)] * 3
    for n in range(12):
        acts += [
            partial(commit_hold, owner=SHOP, reference=f"A{n}", now=now),
            partial(release_hold, owner=SHOP, reference=f"A{n}", now=now),
            partial(transfer, n),
        ]
    ends = at_once(acts)

    wrong = [e for e in ends if isinstance(e, Exception) and not isinstance(e, ReservationEnded)]
    assert wrong == []
    released = [n for n in range(12) if not isinstance(ends[3 + 3 * n + 1], Exception)]
    held = Reservation.objects.filter(state="HELD")
    assert released == list(range(12))
    assert not held.exists()
    assert sum(numbers(level)[1] for level in levels) == 0
