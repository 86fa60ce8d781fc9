"""Whatever happens to stock, in whatever order: nothing is lost, made up, or promised twice.

6,000 steps in every run of the suite; `CONSERVATION_STEPS=100000` takes more.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from inventory.errors import (
    InsufficientStock,
    ReservationConflict,
    ReservationEnded,
    ReservationUnknown,
)
from inventory.models import Item, Location, Reservation, StockMovement
from inventory.services.commit_hold import commit_hold
from inventory.services.consume import Consumption, consume_stock
from inventory.services.count import record_count
from inventory.services.expire_holds import expire_holds
from inventory.services.hold import Hold, HoldLine, hold_stock
from inventory.services.move import Move, move_stock
from inventory.services.release_hold import release_hold
from inventory.services.transfer_hold import Transfer, transfer_hold
from tests.inventory.crashing import Crashed, T, crashing
from tests.inventory.holds import SHOP
from tests.inventory.promises import promise
from tests.inventory.sums import EVERYTHING, LEVELS, ask

STEPS = int(os.environ.get("CONSERVATION_STEPS", "6000"))
AT_ONCE = 100  # steps of one story
START = datetime(2026, 11, 20, 8, tzinfo=UTC)
SKUS = ("MUG", "PLATE")
PLACES = ("BERLIN", "HAMBURG")
REFUSALS = (InsufficientStock, ReservationConflict, ReservationEnded, ReservationUnknown)

moments = st.integers(0, 30).map(lambda minutes: START + timedelta(minutes=minutes))
baskets = st.sampled_from([f"basket-{n}" for n in range(8)])
skus = st.sampled_from(SKUS)
places = st.sampled_from(PLACES)
units = st.integers(1, 4)


class Warehouse(RuleBasedStateMachine):
    """The services on one side, a few dictionaries on the other; any act may crash once."""

    steps: ClassVar[int] = 0
    crashes: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.clock = START
        self.fuse: int | None = None
        self.numbers = iter(range(1_000_000))
        self.items = {sku: Item.objects.create(sku=sku).pk for sku in SKUS}
        self.places = {
            code: Location.objects.create(code=code, name=code, priority=n).pk
            for n, code in enumerate(PLACES)
        }
        self.counts: dict[tuple[str, str], list[tuple[datetime, int]]] = defaultdict(list)
        self.moved: dict[tuple[str, str], dict[str, tuple[datetime, int]]] = defaultdict(dict)
        for sku in SKUS:
            for code in PLACES:
                self.count(sku=sku, code=code, quantity=6, at=START - timedelta(minutes=1))

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def act(self, do: Callable[[], T]) -> T | None:
        """Do it; where a crash is due, first half of it, which must leave nothing behind."""
        Warehouse.steps += 1
        fuse, self.fuse = self.fuse, None
        if fuse is not None:
            before = ask(EVERYTHING)
            with suppress(*REFUSALS), suppress(Crashed), transaction.atomic(), crashing(fuse):
                do()
                transaction.set_rollback(True)  # it needed fewer: then it ends before its commit
            Warehouse.crashes += 1
            assert ask(EVERYTHING) == before
        with suppress(*REFUSALS):
            return do()
        return None

    def room(self, instead_of: str = "") -> dict[str, int]:
        """Units of each item that can be promised, over all nodes, with those of one hold."""
        rows = ask(f"""
            SELECT i.sku,
                   sum(greatest(on_hand - reserved - allocated + coalesce(h.units, 0), 0))::int
            FROM inventory_stocklevel l JOIN inventory_item i ON i.id = l.item_id
            LEFT JOIN (
                SELECT item_id, location_id, sum(quantity - consumed_quantity) AS units
                FROM inventory_reservation
                WHERE state = 'HELD' AND reference = '{instead_of}'
                  AND coalesce(expires_at > '{self.clock.isoformat()}', true) GROUP BY 1, 2
            ) h ON h.item_id = l.item_id AND h.location_id = l.location_id
            GROUP BY 1
        """)
        return dict(rows)

    @rule(after=st.integers(0, 12))
    def let_the_next_act_crash(self, after: int) -> None:
        self.fuse = after

    @rule(seconds=st.sampled_from([1, 20, 60, 300]))
    def time_passes(self, seconds: int) -> None:
        Warehouse.steps += 1
        self.clock += timedelta(seconds=seconds)

    @rule(
        basket=baskets,
        mugs=st.integers(0, 5),
        plates=st.integers(0, 5),
        whole=st.booleans(),
        seconds=st.sampled_from([None, 5, 60]),
        node=st.none() | places,
    )
    def hold(
        self,
        basket: str,
        mugs: int,
        plates: int,
        whole: bool,
        seconds: int | None,
        node: str | None,
    ) -> None:
        wanted = {sku: n for sku, n in (("MUG", mugs), ("PLATE", plates)) if n} or {"MUG": 1}
        at = () if node is None else (self.places[node],)
        lines = [
            HoldLine(item_id=self.items[sku], quantity=n, location_ids=at)
            for sku, n in wanted.items()
        ]
        key = f"hold-{next(self.numbers)}"
        hold = Hold(
            owner=SHOP,
            reference=f"{basket}-{next(self.numbers)}" if whole and mugs == 5 else basket,
            lines=tuple(lines),
            is_all_or_nothing=whole,
            seconds=seconds,
            key=key,
        )
        known = ask("SELECT count(*) FROM inventory_reservationanswer")
        room = self.room()

        answer = self.act(lambda: hold_stock(hold, now=self.clock))

        assert self.act(lambda: hold_stock(hold, now=self.clock)) == answer
        if answer is None or ask("SELECT count(*) FROM inventory_reservationanswer") == known:
            return  # the reference was used before
        got = {sku: ln.granted for sku, ln in zip(wanted, answer.lines, strict=True)}
        if node is None:
            fits = all(room[sku] >= n for sku, n in wanted.items())
            part = {sku: 0 if whole else min(room[sku], n) for sku, n in wanted.items()}
            assert got == (wanted if fits else part)
        assert all(got[sku] <= min(room[sku], n) for sku, n in wanted.items())

    @rule(
        order=baskets, mugs=st.integers(0, 4), plates=st.integers(1, 4), basket=st.none() | baskets
    )
    def promise(self, order: str, mugs: int, plates: int, basket: str | None) -> None:
        wanted = {sku: n for sku, n in (("MUG", mugs), ("PLATE", plates)) if n}
        names = ", ".join(f"'{order}:{sku}'" for sku in wanted)
        held = ask(
            f"SELECT 1 FROM inventory_reservation WHERE state = 'HELD' AND reference IN ({names})"
        )
        own = f"{SHOP}/{basket}" if basket else ""
        room = self.room(own)

        kept = self.act(lambda: promise(order, own, now=self.clock, **wanted))

        assert kept == (bool(held) or all(room[sku] >= n for sku, n in wanted.items()))

    @rule(basket=baskets)
    def commit(self, basket: str) -> None:
        self.act(lambda: commit_hold(owner=SHOP, reference=basket, now=self.clock))

    @rule(basket=baskets)
    def release(self, basket: str) -> None:
        key = f"release-{next(self.numbers)}"
        told = [
            self.act(lambda: release_hold(owner=SHOP, reference=basket, key=key, now=self.clock))
            for _ in range(2)
        ]
        assert told[0] == told[1]

    @rule(basket=baskets, code=st.none() | places, to=st.none() | baskets)
    def transfer(self, basket: str, code: str | None, to: str | None) -> None:
        moved = Transfer(
            owner=SHOP,
            reference=basket,
            to_location_id=None if code is None else self.places[code],
            to_reference=to or "",
        )
        self.act(lambda: transfer_hold(moved, now=self.clock))

    @rule()
    def expire(self) -> None:
        self.act(lambda: expire_holds(now=self.clock, limit=2))

        due = Reservation.objects.filter(state="HELD", expires_at__lte=self.clock)
        assert not due.exists()

    @rule(basket=baskets, sku=skus, code=places, quantity=units, at=moments, n=units)
    def ship(self, basket: str, sku: str, code: str, quantity: int, at: datetime, n: int) -> None:
        key = f"ship:{basket}:{sku}:{code}:{n}"
        self.moved[sku, code].setdefault(key, (at, -quantity))
        part = Consumption(
            reference=f"{SHOP}/{basket}",
            item_id=self.items[sku],
            location_id=self.places[code],
            quantity=quantity,
            effect_key=key,
        )
        self.act(lambda: consume_stock([part], trace_id=None, left_at=at))

    @rule(sku=skus, code=places, units=st.integers(-3, 5).filter(bool), at=moments, n=units)
    def adjust(self, sku: str, code: str, units: int, at: datetime, n: int) -> None:
        key = f"adjust:{sku}:{code}:{n}"
        self.moved[sku, code].setdefault(key, (at, units))
        self.act(lambda: move_stock([self._move(sku, code, key, at, on_hand=units)]))

    @rule(sku=skus, code=places, quantity=st.integers(0, 3))
    def set_aside(self, sku: str, code: str, quantity: int) -> None:
        key = f"aside:{next(self.numbers)}"
        aside = self._move(
            sku, code, key, self.clock, kind=StockMovement.Kind.ALLOCATED, set_aside=quantity
        )
        self.act(lambda: move_stock([aside]))

    def _move(self, sku: str, code: str, key: str, at: datetime, **more: Any) -> Move:
        fields = {"kind": StockMovement.Kind.ADJUSTED, **more}
        return Move(
            item_id=self.items[sku],
            location_id=self.places[code],
            effect_key=key,
            happened_at=at,
            **fields,
        )

    @rule(sku=skus, code=places, quantity=st.integers(0, 12), at=moments)
    def count(self, sku: str, code: str, quantity: int, at: datetime) -> None:
        if any(at == known for known, _ in self.counts[sku, code]):
            return  # two counts of one moment contradict each other
        self.counts[sku, code].append((at, quantity))
        self.act(
            lambda: record_count(
                item_id=self.items[sku],
                location_id=self.places[code],
                quantity=quantity,
                counted_at=at,
                effect_key=f"count:{sku}:{code}:{at.isoformat()}",
            )
        )

    @invariant()
    def level_ledger_promises_and_shelf_agree(self) -> None:
        for sku, code, on_hand, *agrees in ask(LEVELS):
            assert agrees == [True] * 4
            counted_at, quantity = max(self.counts[sku, code])
            since = [n for at, n in self.moved[sku, code].values() if at > counted_at]
            assert on_hand == quantity + sum(since)


@pytest.mark.slow
def test_stock_is_conserved_whatever_happens_in_whatever_order(db: Any) -> None:
    Warehouse.steps = Warehouse.crashes = 0
    some = settings(
        max_examples=27,  # twice so many are 6,000 steps
        stateful_step_count=AT_ONCE,
        database=None,
        derandomize=False,  # each time round goes another way
        suppress_health_check=list(HealthCheck),
    )
    while Warehouse.steps < STEPS:  # an example may be shorter than it was asked to be
        run_state_machine_as_test(Warehouse, settings=some)
    assert Warehouse.crashes > STEPS // 100
