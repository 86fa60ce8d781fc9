"""Holds that are asked for at the same moment: one winner, no circle, and few transactions."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from inventory.errors import ReservationConflict
from inventory.models import Channel, Reservation
from inventory.services import hold as holding
from inventory.services.hold import Hold, HoldAnswer, HoldLine, hold_stock, settle_holds
from tests.conftest import Stock
from tests.inventory.holds import SHOP, granted, hold, line
from tests.inventory.levels import numbers
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_same_asked_at_once_has_one_answer(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 10)
    wanted = line("MUG", 3)

    # Straight to the database, as by as many processes.
    asked = [(Hold(owner=SHOP, reference="A", key="k", lines=(wanted,), seconds=60), now)]
    ends = at_once([partial(settle_holds, asked)] * 8)

    assert all(end == ends[0] for end in ends)
    assert numbers(mugs) == (10, 3)
    assert Reservation.objects.count() == 1


def test_different_things_asked_at_once_under_one_key_have_one_winner(
    stock: Stock, now: datetime
) -> None:
    levels = [stock(f"MUG{n}", 10) for n in range(6)]
    asked = [
        [(Hold(owner=SHOP, reference=f"R{n}", key="k", lines=(line(f"MUG{n}", 1),)), now)]
        for n in range(6)
    ]

    ends = [end[0] for end in at_once([partial(settle_holds, one) for one in asked])]  # type: ignore[index]

    assert sum(isinstance(end, HoldAnswer) for end in ends) == 1
    assert sum(isinstance(end, ReservationConflict) for end in ends) == 5
    assert sum(numbers(level)[1] for level in levels) == 1


def test_one_bad_request_harms_no_other_of_its_batch(
    stock: Stock, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    mugs = stock("MUG", 100)
    wanted, impossible = line("MUG", 1), line("MUG", 1)
    object.__setattr__(impossible, "item_id", "no number")

    acts = [partial(hold, f"A{n}", wanted, now=now) for n in range(15)]
    ends = at_once([*acts, partial(hold, "bad", impossible, now=now)])

    assert [granted(end) for end in ends[:15]] == [[1]] * 15  # type: ignore[arg-type]
    assert isinstance(ends[15], Exception)
    assert numbers(mugs) == (100, 15)


def test_those_who_come_together_share_few_transactions(
    stock: Stock, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock("MUG", 100)
    wanted = line("MUG", 1)
    sizes: list[int] = []
    combiner, settle = holding._combiner, holding._combiner._settle

    def counted(batch: Any) -> Any:
        sizes.append(len(batch))
        while sizes == [len(batch)] and len(batch) + len(combiner._waiting) < 40:
            time.sleep(0.01)  # the first is at it until all others have come
        return settle(batch)

    monkeypatch.setattr(holding._combiner, "_settle", counted)

    ends = at_once([partial(hold, f"A{n}", wanted, now=now) for n in range(40)])

    assert [granted(end) for end in ends if isinstance(end, HoldAnswer)] == [[1]] * 40
    assert sum(sizes) == 40
    assert len(sizes) <= 2


@pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_of_64_who_want_the_last_one_through_two_channels_one_gets_it(
    stock: Stock, now: datetime, rounds: int
) -> None:
    levels = [stock(f"MUG{n}", 1) for n in range(rounds)]
    shops = [Channel.objects.create(code=code, name=code).pk for code in ("shop", "market")]
    gate = threading.Barrier(64)

    def buy(buyer: int) -> list[bool]:
        got = []
        for turn, level in enumerate(levels):
            wanted = Hold(
                owner=f"channel-{buyer % 2}",
                reference=f"{turn}-{buyer}",
                channel_id=shops[buyer % 2],
                lines=(HoldLine(item_id=level.item_id, quantity=1),),
            )
            gate.wait(timeout=120)
            # Half of them come through this process' combiner, half as other processes would.
            (answer,) = (
                [hold_stock(wanted, now=now)] if buyer % 4 < 2 else settle_holds([(wanted, now)])
            )
            got.append(isinstance(answer, HoldAnswer) and not answer.is_refused)
        return got

    ends = at_once([partial(buy, n) for n in range(64)])

    assert [end for end in ends if isinstance(end, Exception)] == []
    wins = [sum(turn) for turn in zip(*ends, strict=True)]
    assert wins == [1] * rounds
    assert [numbers(level) for level in levels] == [(1, 1)] * rounds


def test_baskets_that_want_the_same_things_crosswise_never_wait_in_a_circle(
    stock: Stock, now: datetime
) -> None:
    skus = ["MUG", "PLATE", "BOWL"]
    levels = [stock(sku, 100, at) for sku in skus for at in ("BERLIN", "HAMBURG")]
    lines = [line(sku, 1) for sku in skus]
    names = [f"B{n}" for n in range(16)]

    def crossing(n: int) -> object:
        # Each batch names the same references and items, in its own order.
        wanted = tuple(lines if n % 2 else lines[::-1])
        holds = [
            Hold(owner=SHOP, reference=f"{name}-{n % 8}", key=f"{n % 8}-{name}", lines=wanted)
            for name in (names if n % 3 else names[::-1])
        ]
        return settle_holds([(hold, now) for hold in holds])

    ends = at_once([partial(crossing, n) for n in range(16)])

    assert [end for end in ends if isinstance(end, Exception)] == []
    held = Reservation.objects.filter(state="HELD").count()
    assert sum(numbers(level)[1] for level in levels) == held == 16 * 8 * 3
