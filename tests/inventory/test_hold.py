"""Holds: whole or as much as there is, from the right nodes, and the first answer for ever."""

from __future__ import annotations

from datetime import datetime, timedelta

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
from inventory.services.answers import forget_answers
from inventory.services.hold import Hold, HoldAnswer, settle_holds
from inventory.services.release_hold import release_hold
from tests.conftest import Stock
from tests.inventory.holds import SHOP, granted, hold, line
from tests.inventory.levels import numbers


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
