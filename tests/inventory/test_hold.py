"""Holds: whole or as much as there is, from the right nodes, and the first answer for ever."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from inventory.errors import ReservationConflict
from inventory.models import (
    Channel,
    Location,
    Reservation,
    ReservationAnswer,
    StockLevel,
    StockMovement,
)
from inventory.services import hold as holding
from inventory.services.answers import forget_answers
from inventory.services.hold import Hold, HoldAnswer, HoldLine, hold_stock, settle_holds
from inventory.services.release_hold import release_hold
from tests.conftest import Stock
from tests.inventory.holds import SHOP, granted, hold, line
from tests.racing import at_once

races = pytest.mark.django_db(transaction=True)


def numbers(level: StockLevel) -> tuple[int, int]:
    level.refresh_from_db()
    return level.on_hand, level.reserved


def test_holds_until_then_and_writes_the_ledger(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    StockLevel.objects.filter(pk=mugs.pk).update(allocated=1)

    answer = hold("A", line("MUG", 3), now=now, seconds=90)

    assert (granted(answer), answer.expires_at) == ([3], now + timedelta(seconds=90))
    row = Reservation.objects.get()
    assert (row.reference, row.quantity, row.state) == ("webshop/A", 3, "HELD")
    assert row.expires_at == now + timedelta(seconds=90)
    movement = StockMovement.objects.get(kind="RESERVED")
    after = (movement.on_hand_after, movement.reserved_after, movement.allocated_after)
    assert (movement.effect_key, movement.reserved_change, after) == (
        f"hold:{row.pk}",
        3,
        (5, 3, 1),
    )
    assert numbers(mugs) == (5, 3)


def test_what_others_set_aside_is_not_there(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    StockLevel.objects.filter(pk=mugs.pk).update(allocated=3)

    assert hold("A", line("MUG", 3), now=now).is_refused
    assert granted(hold("B", line("MUG", 2), now=now)) == [2]


def test_all_or_nothing_holds_nothing_when_one_line_is_short(stock: Stock, now: datetime) -> None:
    mugs, plates = stock("MUG", 5), stock("PLATE", 1)

    answer = hold("A", line("MUG", 2), line("PLATE", 2), now=now)

    assert answer.is_refused
    assert [(one.quantity, one.available, one.granted) for one in answer.lines] == [
        (2, 5, 0),
        (2, 1, 0),
    ]
    assert (numbers(mugs), numbers(plates)) == ((5, 0), (1, 0))
    assert not Reservation.objects.exists()


def test_best_effort_says_line_by_line_what_it_holds(stock: Stock, now: datetime) -> None:
    stock("MUG", 5)
    stock("PLATE", 1)
    stock("BOWL", 0)

    answer = hold(
        "A",
        *(line("MUG", 2), line("PLATE", 2), line("BOWL", 1)),
        now=now,
        is_all_or_nothing=False,
    )

    assert granted(answer) == [2, 1, 0]


def test_prefers_one_node_that_has_it_all_then_takes_parts_in_order(
    stock: Stock, now: datetime
) -> None:
    berlin, munich = stock("MUG", 2), stock("MUG", 4, at="MUNICH")

    one, parts = hold("A", line("MUG", 3), now=now), hold("B", line("MUG", 3), now=now)

    assert one.lines[0].parts == ((munich.location_id, 3),)
    assert parts.lines[0].parts == ((berlin.location_id, 2), (munich.location_id, 1))


def test_takes_from_named_nodes_and_from_a_channels_only(stock: Stock, now: datetime) -> None:
    stock("MUG", 5)
    munich = stock("MUG", 5, at="MUNICH")
    shop = Channel.objects.create(code="shop", name="Shop")
    anywhere = Channel.objects.create(code="any", name="Any")
    shop.locations.set([Location.objects.get(code="MUNICH")])

    of_channel = hold("A", line("MUG", 2), now=now, channel_id=shop.pk)
    elsewhere = hold("B", line("MUG", 1, "BERLIN"), now=now, channel_id=shop.pk)
    named = hold("C", line("MUG", 3, "MUNICH"), now=now, channel_id=anywhere.pk)
    too_much = hold("D", line("MUG", 1, "MUNICH"), now=now)

    assert of_channel.lines[0].parts == ((munich.location_id, 2),)
    assert named.lines[0].parts == ((munich.location_id, 3),)
    assert (elsewhere.is_refused, too_much.is_refused) == (True, True)


def test_a_node_that_is_off_holds_nothing(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    Location.objects.filter(pk=mugs.location_id).update(is_active=False)

    assert hold("A", line("MUG", 1), now=now).is_refused


def test_asking_again_gives_the_first_answer_and_holds_nothing_more(
    stock: Stock, now: datetime
) -> None:
    mugs = stock("MUG", 5)
    first = hold("A", line("MUG", 3), now=now, seconds=90, key="k")
    later = now + timedelta(seconds=30)

    assert hold("A", line("MUG", 3), now=later, seconds=90, key="k") == first
    assert hold("A", line("MUG", 3), now=later, seconds=90) == first
    assert hold("A", line("MUG", 3), now=later, seconds=90, key="another") == first
    assert numbers(mugs) == (5, 3)


def test_a_refusal_is_a_first_answer_too_but_not_under_another_key(
    stock: Stock, now: datetime
) -> None:
    mugs = stock("MUG", 1)
    refused = hold("A", line("MUG", 3), now=now, key="k")
    StockLevel.objects.filter(pk=mugs.pk).update(on_hand=9)

    assert hold("A", line("MUG", 3), now=now, key="k") == refused
    assert granted(hold("A", line("MUG", 3), now=now, key="k2")) == [3]
    assert hold("A", line("MUG", 3), now=now, key="k") == refused
    assert numbers(mugs) == (9, 3)


@pytest.mark.parametrize(("reference", "key"), [("A", "k2"), ("B", "k"), ("A", "k")])
def test_another_request_under_a_used_name_is_a_conflict(
    stock: Stock, now: datetime, reference: str, key: str
) -> None:
    mugs = stock("MUG", 5)
    hold("A", line("MUG", 3), now=now, key="k")

    with pytest.raises(ReservationConflict):
        hold(reference, line("MUG", 2), now=now, key=key)

    assert numbers(mugs) == (5, 3)


def test_names_of_two_owners_do_not_meet(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)

    assert granted(hold("A", line("MUG", 3), now=now, key="k")) == [3]
    assert granted(hold("A", line("MUG", 2), now=now, key="k", owner="outlet")) == [2]
    assert numbers(mugs) == (5, 5)


def test_a_batch_answers_twins_alike_and_grants_in_the_order_of_arrival(
    stock: Stock, now: datetime
) -> None:
    stock("MUG", 3)

    def wanted(reference: str, quantity: int) -> tuple[Hold, datetime]:
        return Hold(owner=SHOP, reference=reference, lines=(line("MUG", quantity),)), now

    first, twin, other, late, small = settle_holds(
        [wanted("A", 2), wanted("A", 2), wanted("A", 1), wanted("B", 2), wanted("C", 1)]
    )

    assert isinstance(first, HoldAnswer)
    assert (granted(first), twin) == ([2], first)
    assert isinstance(other, ReservationConflict)
    assert isinstance(late, HoldAnswer)
    assert isinstance(small, HoldAnswer)
    assert (granted(late), granted(small)) == ([0], [1])


@races
def test_the_same_asked_at_once_has_one_answer(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 10)
    wanted = line("MUG", 3)

    # Straight to the database, as by as many processes.
    asked = [(Hold(owner=SHOP, reference="A", key="k", lines=(wanted,), seconds=60), now)]
    ends = at_once([partial(settle_holds, asked)] * 8)

    assert all(end == ends[0] for end in ends)
    assert numbers(mugs) == (10, 3)
    assert Reservation.objects.count() == 1


@races
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


@races
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


@races
def test_those_who_come_together_share_few_transactions(
    stock: Stock, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock("MUG", 100)
    wanted = line("MUG", 1)
    sizes: list[int] = []
    settle = holding._combiner._settle

    def counted(batch: Any) -> Any:
        sizes.append(len(batch))
        return settle(batch)

    monkeypatch.setattr(holding._combiner, "_settle", counted)

    ends = at_once([partial(hold, f"A{n}", wanted, now=now) for n in range(40)])

    assert [granted(end) for end in ends if isinstance(end, HoldAnswer)] == [[1]] * 40
    assert sum(sizes) == 40
    assert len(sizes) < 20


@races
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


@races
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


def test_a_hold_inside_a_transaction_is_undone_with_it(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    with transaction.atomic():
        hold("A", line("MUG", 3), now=now)
        transaction.set_rollback(True)

    assert numbers(mugs) == (5, 0)
    assert not ReservationAnswer.objects.exists()


def test_forgets_old_answers_but_no_reference_that_still_holds(stock: Stock, now: datetime) -> None:
    stock("MUG", 5)
    hold("held", line("MUG", 1), now=now, key="k1")
    hold("over", line("MUG", 1), now=now, key="k2")
    release_hold(owner=SHOP, reference="over", now=now)

    assert forget_answers(now=now + timedelta(days=29)) == 0
    assert forget_answers(now=now + timedelta(days=31)) == 3
    assert [row.name for row in ReservationAnswer.objects.all()] == ["reference:held"]
