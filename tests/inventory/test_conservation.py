"""Whatever happens to stock, in whatever order: nothing is lost, made up, or promised twice."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from inventory.models import Item, Location, Reservation, StockLevel, StockMovement
from inventory.services.consume import Consumption, consume_stock
from inventory.services.count import record_count
from inventory.services.release import release_stock
from tests.inventory.promises import promise

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
SKUS = ("MUG", "PLATE")
PLACES = ("BERLIN", "HAMBURG")

moments = st.integers(0, 30).map(lambda minutes: START + timedelta(minutes=minutes))
references = st.sampled_from([f"order-{n}" for n in range(6)])
skus, places = st.sampled_from(SKUS), st.sampled_from(PLACES)
units = st.integers(1, 4)


class Warehouse(RuleBasedStateMachine):
    """The services on one side, a few dictionaries on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.items = {sku: Item.objects.create(sku=sku) for sku in SKUS}
        self.places = {
            code: Location.objects.create(code=code, name=code, priority=n)
            for n, code in enumerate(PLACES)
        }
        self.counts: dict[tuple[str, str], list[tuple[datetime, int]]] = defaultdict(list)
        self.left: dict[tuple[str, str], dict[str, tuple[datetime, int]]] = defaultdict(dict)
        for sku in SKUS:
            for code in PLACES:
                self.count(sku=sku, code=code, quantity=5, at=START - timedelta(minutes=1))

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def level(self, sku: str, code: str) -> StockLevel:
        return StockLevel.objects.get(item__sku=sku, location__code=code)

    @rule(reference=references, mugs=st.integers(0, 4), plates=st.integers(0, 4), at=moments)
    def promise(self, reference: str, mugs: int, plates: int, at: datetime) -> None:
        wanted = {sku: n for sku, n in (("MUG", mugs), ("PLATE", plates)) if n}
        if not wanted:
            return
        room = {
            sku: sum(max(self.level(sku, code).available, 0) for code in PLACES) for sku in wanted
        }
        holds = Reservation.objects.filter(
            reference__in=[f"{reference}:{sku}" for sku in wanted], state="HELD"
        ).exists()

        kept = promise(reference, now=at, **wanted)

        assert kept == (holds or all(room[sku] >= n for sku, n in wanted.items()))

    @rule(reference=references, at=moments)
    def release(self, reference: str, at: datetime) -> None:
        names = [f"{reference}:{sku}" for sku in SKUS]
        held = Reservation.objects.filter(reference__in=names, state="HELD").aggregate(
            units=Sum(F("quantity") - F("consumed_quantity"))
        )

        assert release_stock(names, trace_id=None, now=at) == (held["units"] or 0)

    @rule(reference=references, sku=skus, code=places, quantity=units, at=moments, n=units)
    def ship(
        self, reference: str, sku: str, code: str, quantity: int, at: datetime, n: int
    ) -> None:
        key = f"ship:{reference}:{sku}:{code}:{n}"
        self.left[sku, code].setdefault(key, (at, quantity))
        consume_stock(
            [
                Consumption(
                    reference=f"{reference}:{sku}",
                    item_id=self.items[sku].pk,
                    location_id=self.places[code].pk,
                    quantity=quantity,
                    effect_key=key,
                )
            ],
            trace_id=None,
            left_at=at,
        )

    @rule(sku=skus, code=places, quantity=st.integers(0, 9), at=moments)
    def count(self, sku: str, code: str, quantity: int, at: datetime) -> None:
        if any(at == known for known, _ in self.counts[sku, code]):
            return  # two counts of one moment contradict each other
        self.counts[sku, code].append((at, quantity))
        record_count(
            item_id=self.items[sku].pk,
            location_id=self.places[code].pk,
            quantity=quantity,
            counted_at=at,
            effect_key=f"count:{sku}:{code}:{at.isoformat()}",
        )

    @invariant()
    def movements_make_the_level(self) -> None:
        for level in StockLevel.objects.all():
            sums = StockMovement.objects.filter(level=level).aggregate(
                on_hand=Sum("on_hand_change"), reserved=Sum("reserved_change")
            )
            newest = StockMovement.objects.filter(level=level).latest("pk")
            assert (level.on_hand, level.reserved) == (sums["on_hand"], sums["reserved"])
            assert (level.on_hand, level.reserved) == (newest.on_hand_after, newest.reserved_after)

    @invariant()
    def what_is_reserved_is_what_is_promised(self) -> None:
        for level in StockLevel.objects.all():
            held = Reservation.objects.filter(
                item=level.item_id, location=level.location_id, state="HELD"
            ).aggregate(units=Sum(F("quantity") - F("consumed_quantity")))
            assert level.reserved == (held["units"] or 0)

    @invariant()
    def the_shelf_holds_the_newest_count_less_what_left_since(self) -> None:
        for (sku, code), counts in self.counts.items():
            counted_at, quantity = max(counts)
            since = sum(n for at, n in self.left[sku, code].values() if at > counted_at)
            assert self.level(sku, code).on_hand == quantity - since


@pytest.mark.slow
def test_stock_is_conserved_whatever_happens_in_whatever_order(db: Any) -> None:
    run_state_machine_as_test(
        Warehouse,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
