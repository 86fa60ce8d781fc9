"""A count is the truth of its moment, whenever we hear of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import permutations

import pytest
from django.db import transaction

from inventory.events import StockCounted, StockOverdrawn
from inventory.models import StockMovement
from retailhub.kernel.events import Event
from tests.conftest import Stock
from tests.inventory.levels import count, on_hand, ship
from tests.inventory.promises import promise


def test_sets_the_level_to_what_was_counted(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)

    assert count(mugs, 9, now)

    assert on_hand(mugs) == 9
    movement = StockMovement.objects.latest("pk")
    assert (movement.kind, movement.on_hand_change, movement.on_hand_after) == ("COUNTED", 4, 9)


def test_makes_the_level_of_a_shelf_nobody_knew(stock: Stock, now: datetime) -> None:
    assert stock("LAMP", 2, at="HAMBURG").on_hand == 2


def test_a_count_heard_twice_changes_nothing(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    count(mugs, 9, now, key="c1")
    ship(mugs, 1, now + timedelta(seconds=1))

    assert not count(mugs, 9, now, key="c1")

    assert on_hand(mugs) == 8


def test_an_older_count_is_history(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    count(mugs, 9, now)

    assert not count(mugs, 3, now - timedelta(minutes=1))

    assert on_hand(mugs) == 9


def test_counts_and_shipments_give_the_same_level_in_every_order(
    stock: Stock, now: datetime
) -> None:
    mugs = stock("MUG", 20)
    minute = timedelta(minutes=1)
    told: list[Callable[[], object]] = [
        partial(ship, mugs, 2, now + 1 * minute),
        partial(count, mugs, 30, now + 2 * minute),
        partial(ship, mugs, 3, now + 3 * minute),
        partial(count, mugs, 23, now + 5 * minute),
        partial(ship, mugs, 5, now + 6 * minute),
    ]
    levels = set()

    for order in permutations(told):
        with transaction.atomic():
            for tell in order:
                tell()
            levels.add(on_hand(mugs))
            transaction.set_rollback(True)

    assert levels == {18}


def test_a_count_below_what_is_promised_is_kept_and_told(
    stock: Stock, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=4, now=now)
    facts: list[Event] = []
    monkeypatch.setattr("inventory.services.move.publish", facts.append)

    count(mugs, 1, now)

    mugs.refresh_from_db()
    assert (mugs.on_hand, mugs.reserved, mugs.available) == (1, 4, -3)
    assert facts == [
        StockCounted(item_ids=(mugs.item_id,)),
        StockOverdrawn(level_id=mugs.pk, short=3, effect_key=f"count:{now.isoformat()}"),
    ]
