"""The ledger is the memory of stock: nothing moves without it, and it gives every moment back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from itertools import permutations
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from exceptions.models import ExceptionCase
from inventory.ledger import Standing, prove_levels, stock_at
from inventory.models import InTransit, Location, StockLevel, StockMovement, StockSignal
from inventory.services.announce import Announcement, announce_arrivals
from inventory.services.check import check_stock
from inventory.services.move import Kind, move_stock
from inventory.services.receive import Receipt, receive_stock
from inventory.services.transfer import Transfer, send_on
from tests.conftest import Stock
from tests.inventory.levels import count, moved, ship
from tests.inventory.promises import promise
from tests.racing import at_once

MINUTE = timedelta(minutes=1)


def numbers(level: StockLevel) -> tuple[int, int, int]:
    level.refresh_from_db()
    return level.on_hand, level.reserved, level.allocated


def test_the_database_refuses_to_change_delete_or_empty_the_ledger(stock: Stock) -> None:
    stock("MUG", 5)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    for statement in (
        "UPDATE inventory_stockmovement SET on_hand_change = 9",
        "DELETE FROM inventory_stockmovement",
        "TRUNCATE inventory_stockmovement",
    ):
        with (
            pytest.raises(IntegrityError, match="the stock ledger is append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

    assert StockMovement.objects.get().on_hand_change == 5


@pytest.mark.parametrize(
    ("kind", "change", "after"),
    [
        (Kind.ADJUSTED, {"on_hand": -2}, (8, 0, 0)),
        (Kind.RETURNED, {"on_hand": 1}, (11, 0, 0)),
        (Kind.SOLD, {"on_hand": -3}, (7, 0, 0)),
        (Kind.ALLOCATED, {"allocated": 4}, (10, 0, 4)),
        (Kind.ALLOCATED, {"set_aside": 6}, (10, 0, 6)),
    ],
)
def test_a_movement_changes_its_level_once(
    stock: Stock, now: datetime, kind: Kind, change: dict[str, int], after: tuple[int, int, int]
) -> None:
    mugs = stock("MUG", 10)
    move = moved(mugs, kind, now, "m1", reason="told", source="wms", **change)

    assert move_stock([move]) == {"m1"}
    assert move_stock([move, move]) == set()

    assert numbers(mugs) == after
    row = StockMovement.objects.get(effect_key="m1")
    assert (row.kind, row.reason, row.source, row.happened_at) == (kind, "told", "wms", now)
    assert (row.on_hand_after, row.reserved_after, row.allocated_after) == after


def test_a_node_gives_back_no_more_than_it_set_aside(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 10)
    move_stock([moved(mugs, Kind.ALLOCATED, now, "a", allocated=2)])

    move_stock([moved(mugs, Kind.ALLOCATED, now, "b", allocated=-5)])

    assert numbers(mugs) == (10, 0, 0)


def test_an_older_word_on_what_is_set_aside_is_history(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 10)
    move_stock([moved(mugs, Kind.ALLOCATED, now, "new", set_aside=2)])

    assert move_stock([moved(mugs, Kind.ALLOCATED, now - MINUTE, "old", set_aside=7)]) == set()

    assert numbers(mugs) == (10, 0, 2)


def test_whatever_order_it_is_heard_in_the_level_is_the_same(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 20)
    told: list[Callable[[], object]] = [
        partial(ship, mugs, 2, now + 1 * MINUTE),
        partial(count, mugs, 30, now + 2 * MINUTE),
        lambda: move_stock(
            [moved(mugs, Kind.RECEIVED, now + 3 * MINUTE, "in", on_hand=7)],
        ),
        partial(count, mugs, 36, now + 4 * MINUTE),
        lambda: move_stock([moved(mugs, Kind.SOLD, now + 5 * MINUTE, "till", on_hand=-1)]),
    ]
    ends = set()

    for order in permutations(told):
        with transaction.atomic():
            for tell in order:
                tell()
            past = stock_at([mugs.item_id], was_at=now + 4 * MINUTE)
            ends.add((numbers(mugs)[0], next(iter(past.values())).on_hand))
            assert prove_levels(most=1).differing == 0
            transaction.set_rollback(True)

    assert ends == {(35, 36)}


def test_many_moves_take_as_many_statements_as_one(
    stock: Stock, now: datetime, django_assert_max_num_queries: Any
) -> None:
    levels = [stock(f"ITEM-{n}", 10) for n in range(30)]
    moves = [moved(level, Kind.COUNTED, now, f"c{level.pk}", counted=3) for level in levels]

    with django_assert_max_num_queries(22):
        assert len(move_stock(moves)) == 30

    assert {numbers(level)[0] for level in levels} == {3}


def test_a_level_is_rebuilt_as_it_was_and_as_we_knew_it(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 10)
    before = StockMovement.objects.latest("pk").heard_at
    spot = (mugs.item_id, mugs.location_id)
    promise("A", MUG=4, now=now - 10 * MINUTE)
    count(mugs, 7, now)
    ship(mugs, 2, now - 5 * MINUTE)  # heard after the count that had seen it

    assert stock_at([mugs.item_id])[spot] == Standing(7, 2, 0)
    assert stock_at([mugs.item_id], was_at=now - 6 * MINUTE)[spot] == Standing(10, 4, 0)
    assert stock_at([mugs.item_id], was_at=now - 4 * MINUTE)[spot] == Standing(8, 2, 0)
    assert stock_at([mugs.item_id], known_at=before)[spot] == Standing(10, 0, 0)


# --- On the way ----------------------------------------------------------------------------------


def sent(level: StockLevel, to: Location, quantity: int, at: datetime, key: str = "s1") -> Transfer:
    return Transfer(
        reference="T-1",
        item_id=level.item_id,
        from_id=level.location_id,
        to_id=to.pk,
        quantity=quantity,
        sent_at=at,
        expected_at=at + timedelta(days=1),
        effect_key=key,
    )


def came(level: StockLevel, quantity: int, at: datetime, key: str = "r1") -> Receipt:
    return Receipt(
        move=moved(level, Kind.ARRIVED, at, key, on_hand=quantity),
        reference="T-1",
    )


def test_a_transfer_is_nowhere_on_hand_while_it_travels(
    stock: Stock, hamburg: Location, now: datetime
) -> None:
    mugs, there = stock("MUG", 10), stock("MUG", 1, at="HAMBURG")
    transfer = sent(mugs, hamburg, 4, now)

    assert send_on([transfer]) == {"s1"}
    assert send_on([transfer]) == set()
    assert (numbers(mugs)[0], numbers(there)[0]) == (6, 1)
    row = InTransit.objects.get()
    assert (row.location, row.quantity, row.received_quantity) == (hamburg, 4, 0)

    receive_stock([came(there, 4, now)])
    receive_stock([came(there, 4, now)])

    row.refresh_from_db()
    assert (numbers(there)[0], row.received_quantity) == (5, 4)
    assert prove_levels(most=1).differing == 0


def test_an_arrival_heard_before_its_departure_leaves_nothing_on_the_way(
    stock: Stock, hamburg: Location, now: datetime
) -> None:
    mugs, there = stock("MUG", 10), stock("MUG", 0, at="HAMBURG")

    receive_stock([came(there, 4, now)])
    send_on([sent(mugs, hamburg, 4, now - MINUTE)])

    row = InTransit.objects.get()
    assert (row.quantity, row.received_quantity) == (4, 4)
    assert (numbers(mugs)[0], numbers(there)[0]) == (6, 4)


def test_what_was_announced_is_not_expected_twice_and_a_second_van_brings_more(
    stock: Stock, hamburg: Location, now: datetime
) -> None:
    mugs = stock("MUG", 10)
    announced = Announcement(
        reference="T-1",
        item_id=mugs.item_id,
        location_id=hamburg.pk,
        quantity=5,
        expected_at=now,
    )
    announce_arrivals([announced])
    signals = StockSignal.objects.count()
    announce_arrivals([announced])
    assert StockSignal.objects.count() == signals

    send_on([sent(mugs, hamburg, 4, now)])
    assert InTransit.objects.get().quantity == 5
    send_on([sent(mugs, hamburg, 4, now, key="s2")])
    assert InTransit.objects.get().quantity == 8


# --- The proof -----------------------------------------------------------------------------------


def test_the_proof_names_what_differs_and_the_desk_follows(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    stock("PLATE", 5)
    promise("A", MUG=2, now=now)
    out = StringIO()
    call_command("check_stock", stdout=out)
    assert out.getvalue().startswith("2 levels, 3 movements, 0 differ")

    StockLevel.objects.filter(pk=mugs.pk).update(on_hand=9, reserved=1)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("check_stock", stdout=out)

    named = (
        "MUG at BERLIN: 9 on hand, movements say 5; 1 promised, movements say 2;"
        " 1 promised, reservations hold 2"
    )
    assert named in out.getvalue()
    case = ExceptionCase.objects.get(code="inventory.ledger_differs")
    assert named in case.detail
    check_stock()
    assert ExceptionCase.objects.count() == 1

    StockLevel.objects.filter(pk=mugs.pk).update(on_hand=5, reserved=2)
    check_stock()
    case.refresh_from_db()
    assert case.state == "RESOLVED"


@pytest.mark.django_db(transaction=True)
def test_moves_told_at_once_by_many_happen_once_and_never_deadlock(
    stock: Stock, now: datetime
) -> None:
    levels = [stock(f"ITEM-{n}", 100) for n in range(8)]
    moves = [moved(level, Kind.SOLD, now, f"sold:{level.pk}", on_hand=-1) for level in levels]
    mixed = [moves, moves[::-1], moves[4:] + moves[:4], moves[2::-1] + moves[3:]]

    ends = at_once([partial(move_stock, list(told)) for told in mixed])

    assert [end for end in ends if isinstance(end, Exception)] == []
    assert {numbers(level)[0] for level in levels} == {99}
    assert StockMovement.objects.filter(kind="SOLD").count() == 8
