"""A file speaks of the moment it was counted, whatever was heard before and since."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from exceptions.models import ExceptionCase
from exceptions.services.recount import ask_recount
from inventory.ledger import prove_levels
from inventory.models import SnapshotMark
from inventory.services import apply_snapshot
from tests.conftest import Stock
from tests.connectors.snapshots.files import HEADER, MINUTE, outcome
from tests.inventory.levels import count, on_hand, ship


def test_what_left_since_the_count_is_taken_off(stock: Stock, send: Any, now: datetime) -> None:
    mugs, plates = stock("MUG", 20), stock("PLATE", 20)
    ship(mugs, 2, now - 1 * MINUTE)
    ship(plates, 3, now - 10 * MINUTE)

    run = send(HEADER + "MUG,BERLIN,20\nPLATE,BERLIN,17\n", at=now - 5 * MINUTE)

    assert outcome(run) == {"unchanged": 2}
    assert (on_hand(mugs), on_hand(plates)) == (18, 17)


def test_a_newer_count_stands_against_an_older_file(stock: Stock, send: Any, now: datetime) -> None:
    mugs, plates = stock("MUG", 20), stock("PLATE", 20)
    count(mugs, 9, now)

    run = send(HEADER + "MUG,BERLIN,15\nPLATE,BERLIN,15\n", at=now - 5 * MINUTE)

    assert outcome(run) == {"changed": 1, "outdated": 1}
    assert (on_hand(mugs), on_hand(plates)) == (9, 15)


def test_an_older_file_does_not_overwrite_a_newer_one(
    stock: Stock, send: Any, now: datetime
) -> None:
    mugs, plates = stock("MUG", 20), stock("PLATE", 20)
    send(HEADER + "MUG,BERLIN,20\nPLATE,BERLIN,15\n", at=now - 5 * MINUTE)

    run = send(HEADER + "MUG,BERLIN,30\nPLATE,BERLIN,30\n", at=now - 10 * MINUTE)

    assert outcome(run) == {"outdated": 2}
    assert (on_hand(mugs), on_hand(plates)) == (20, 15)


def test_what_a_file_left_as_it_was_counts_as_counted_too(
    stock: Stock, send: Any, now: datetime
) -> None:
    mugs, plates, lamps = stock("MUG", 20), stock("PLATE", 20), stock("LAMP", 20)
    send(HEADER + "MUG,BERLIN,20\nPLATE,BERLIN,20\n", at=now - 5 * MINUTE)
    assert SnapshotMark.objects.get().item_ids == [lamps.item_id]

    ship(mugs, 2, now - 10 * MINUTE)  # heard after the file that had seen it
    assert not count(plates, 3, now - 10 * MINUTE)
    ship(lamps, 2, now - 10 * MINUTE, key="lamps")  # the file did not name it

    assert (on_hand(mugs), on_hand(plates), on_hand(lamps)) == (20, 20, 18)


def test_a_file_that_finds_a_shelf_as_it_was_answers_who_asked_for_a_recount(
    stock: Stock, send: Any, ana: User, now: datetime
) -> None:
    mugs, plates = stock("MUG", 5), stock("PLATE", 7)
    for level in (mugs, plates):
        ask_recount(level_id=level.pk, actor_id=ana.pk, reason="Empty box", now=now)

    send(HEADER + "MUG,BERLIN,5\n", at=now - MINUTE)
    assert open_titles() == ["Count MUG at WMS Berlin: it should hold 5",
                             "Count PLATE at WMS Berlin: it should hold 7"]  # fmt: skip
    send(HEADER + "MUG,BERLIN,5\n", at=now + MINUTE)

    assert open_titles() == ["Count PLATE at WMS Berlin: it should hold 7"]


def open_titles() -> list[str]:
    cases = ExceptionCase.objects.filter(closed_at=None, code="inventory.recount_asked")
    return sorted(cases.values_list("title", flat=True))


def test_a_file_of_few_items_marks_only_those(stock: Stock, send: Any, now: datetime) -> None:
    levels = [stock(f"ITEM-{n}", 20) for n in range(5)]
    send(HEADER + "ITEM-0,BERLIN,20\n", at=now - 5 * MINUTE)

    mark = SnapshotMark.objects.get()
    assert (mark.is_all_but, mark.item_ids) == (False, [levels[0].item_id])
    for level in levels:
        ship(level, 2, now - 10 * MINUTE, key=f"ship:{level.pk}")

    assert [on_hand(level) for level in levels] == [20, 18, 18, 18, 18]


def test_rows_may_say_when_each_was_counted(stock: Stock, send: Any, now: datetime) -> None:
    mugs, plates = stock("MUG", 20), stock("PLATE", 20)
    early, late = (now - 30 * MINUTE).isoformat(), (now - 5 * MINUTE).isoformat()
    ship(mugs, 2, now - 10 * MINUTE, key="a")
    ship(plates, 2, now - 10 * MINUTE, key="b")

    send(f"sku,location,quantity,counted_at\nMUG,BERLIN,10,{early}\nPLATE,BERLIN,10,{late}\n")

    assert (on_hand(mugs), on_hand(plates)) == (8, 10)


def test_whatever_order_files_counts_and_shipments_come_in(
    stock: Stock, send: Any, now: datetime
) -> None:
    mugs = stock("MUG", 20)
    told = [
        partial(ship, mugs, 2, now - 50 * MINUTE),
        partial(send, HEADER + "MUG,BERLIN,18\n", now - 40 * MINUTE),
        partial(ship, mugs, 3, now - 30 * MINUTE),
        partial(count, mugs, 15, now - 20 * MINUTE),
        partial(ship, mugs, 5, now - 10 * MINUTE),
    ]
    ends = set()

    for order in permutations(told):
        with transaction.atomic():
            for tell in order:
                tell()
            ends.add(on_hand(mugs))
            assert prove_levels(most=1).differing == 0
            transaction.set_rollback(True)

    assert ends == {10}


def test_a_late_shipment_heard_while_the_file_was_compared_is_set_right(
    stock: Stock, send: Any, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    mugs = stock("MUG", 20)
    real = apply_snapshot._merge

    def merge(*args: Any) -> None:
        real(*args)
        ship(mugs, 2, now - 10 * MINUTE)  # after the comparison, before the mark

    monkeypatch.setattr(apply_snapshot, "_merge", merge)

    send(HEADER + "MUG,BERLIN,20\n", at=now - 5 * MINUTE)

    assert on_hand(mugs) == 20
    assert prove_levels(most=1).differing == 0
