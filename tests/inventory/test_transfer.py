"""A hold moves to another node or another reference, whole or not at all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from inventory.errors import InsufficientStock, ReservationConflict
from inventory.models import Location, Reservation, StockLevel, StockMovement
from inventory.services.transfer_hold import Transfer, transfer_hold
from tests.conftest import Stock
from tests.inventory.holds import SHOP, hold, line, ship, states
from tests.inventory.levels import numbers

MINUTE = timedelta(minutes=1)


def move(to: StockLevel | None, now: datetime, to_reference: str = "", key: str = "") -> object:
    transfer = Transfer(
        owner=SHOP,
        reference="A",
        to_location_id=None if to is None else to.location_id,
        to_reference=to_reference,
        key=key,
    )
    return transfer_hold(transfer, now=now)


def test_moves_what_is_still_held_to_another_node(stock: Stock, now: datetime) -> None:
    berlin, munich = stock("MUG", 5), stock("MUG", 4, at="MUNICH")
    hold("A", line("MUG", 3), now=now, seconds=60)
    ship(berlin, 1, now)

    told = move(munich, now, key="k")

    assert told == {
        "expires_at": (now + MINUTE).isoformat(),
        "lines": [{"sku": "MUG", "node": "MUNICH", "quantity": 2, "consumed": 0, "state": "HELD"}],
    }
    assert move(munich, now, key="k") == told
    assert (numbers(berlin), numbers(munich)) == ((4, 0), (4, 2))
    assert Reservation.objects.get(state="HELD").expires_at == now + MINUTE


def test_moves_nothing_where_there_is_too_little(stock: Stock, now: datetime) -> None:
    berlin, munich = stock("MUG", 5), stock("MUG", 2, at="MUNICH")
    hold("A", line("MUG", 3), now=now)

    with pytest.raises(InsufficientStock, match="MUNICH can promise 2 of the 3 units"):
        move(munich, now)
    Location.objects.filter(code="MUNICH").update(is_active=False)
    with pytest.raises(InsufficientStock, match="MUNICH can promise 0 of the 3 units"):
        move(munich, now)

    assert (numbers(berlin), numbers(munich)) == ((5, 3), (2, 0))
    assert states() == ["HELD"]


def test_gathers_parts_at_one_of_their_nodes(stock: Stock, now: datetime) -> None:
    berlin, munich = stock("MUG", 2), stock("MUG", 2, at="MUNICH")
    hold("A", line("MUG", 3), now=now)
    StockLevel.objects.filter(pk=munich.pk).update(on_hand=3)

    move(munich, now)

    assert (numbers(berlin), numbers(munich)) == ((2, 0), (3, 3))


def test_hands_over_to_another_reference_without_moving_a_unit(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 3)
    hold("A", line("MUG", 3), now=now, seconds=60)
    before = StockMovement.objects.count()

    told = move(None, now, to_reference="order-7")

    assert move(None, now, to_reference="order-7") == told
    assert Reservation.objects.get().reference == "webshop/order-7"
    assert (numbers(mugs), StockMovement.objects.count()) == ((3, 3), before)
    with pytest.raises(ReservationConflict):
        hold("order-7", line("MUG", 1), now=now)


def test_takes_no_reference_that_is_somebody_elses(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    hold("A", line("MUG", 3), now=now)
    hold("B", line("MUG", 1), now=now)

    with pytest.raises(ReservationConflict):
        move(None, now, to_reference="B")

    assert numbers(mugs) == (5, 4)
    assert Reservation.objects.filter(reference="webshop/A", state="HELD").count() == 1
