"""What is new is applied, what is wrong is named, and no row harms another."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from connectors.models import CodeMapping, Connection
from connectors.services.snapshots import run_due_snapshots
from exceptions.models import ExceptionCase
from exceptions.services.replay import replay_case
from inventory.ledger import prove_levels
from inventory.models import Item, ItemUnit, SnapshotRun, StockMovement, StockSignal
from tests.conftest import Stock
from tests.connectors.snapshots.files import HEADER, outcome
from tests.inventory.levels import on_hand


def whys(run: SnapshotRun) -> list[tuple[int, str]]:
    return [(sample["row"], sample["why"]) for sample in run.samples]


def test_touches_only_what_differs(stock: Stock, send: Any, now: datetime) -> None:
    mugs, plates = stock("MUG", 5), stock("PLATE", 7)
    Item.objects.create(sku="LAMP")
    StockSignal.objects.all().delete()

    run = send(HEADER + "MUG,BERLIN,9\nPLATE,BERLIN,7\nLAMP,BERLIN,2\n")

    assert (run.state, run.rows, run.units) == ("APPLIED", 3, 18)
    assert outcome(run) == {"added": 1, "changed": 1, "unchanged": 1}
    assert (on_hand(mugs), on_hand(plates)) == (9, 7)
    lines = StockMovement.objects.filter(effect_key__startswith="snapshot:").order_by("pk")
    assert [(m.level.item.sku, m.kind, m.on_hand_change, m.source) for m in lines] == [
        ("LAMP", "COUNTED", 2, "wms-berlin"),
        ("MUG", "COUNTED", 4, "wms-berlin"),
    ]
    signalled = StockSignal.objects.values_list("item__sku", flat=True)
    assert sorted(signalled) == ["LAMP", "MUG"]
    assert prove_levels(most=1).differing == 0
    assert run.duration is not None

    again = send(HEADER + "MUG,BERLIN,9\nPLATE,BERLIN,7\nLAMP,BERLIN,2\n")

    assert outcome(again) == {"unchanged": 3}
    assert again.previous == run


@pytest.mark.parametrize(
    ("row", "kind", "why"),
    [
        ("MUG,BERLIN,-3,,", "rejected", "the quantity is negative"),
        ("MUG,BERLIN,2.5,,", "rejected", "the quantity is not whole"),
        ("MUG,BERLIN,9999999999,,", "rejected", "the quantity is too large"),
        ("MUG,BERLIN,1e3,,", "rejected", "the quantity is not a number"),
        ("MUG,BERLIN,many,,", "rejected", "the quantity is not a number"),
        ("MUG,BERLIN,,,", "rejected", "the quantity is missing"),
        (",BERLIN,3,,", "rejected", "the SKU is missing"),
        ("MUG,,3,,", "rejected", "the location is missing"),
        ("MUG,BERLIN,3,,yesterday", "rejected", "counted_at is not a time with a zone"),
        ("MUG,BERLIN,3,,2026-02-30T08:00:00Z", "rejected", "counted_at is not a time with a zone"),
        ("CUP,BERLIN,3,,", "unknown", "unknown SKU"),
        ("MUG,PARIS,3,,", "unknown", "unknown location"),
        ("MUG,BERLIN,3,pallet,", "unknown", "unknown unit"),
    ],
)
def test_a_bad_row_is_named_and_harms_no_other(
    stock: Stock, send: Any, row: str, kind: str, why: str
) -> None:
    mugs, plates = stock("MUG", 5), stock("PLATE", 7)

    run = send(f"sku,location,quantity,unit,counted_at\nPLATE,BERLIN,8,,\n{row}\n")

    assert outcome(run) == {"changed": 1, kind: 1}
    assert whys(run) == [(3, why)]
    assert (on_hand(mugs), on_hand(plates)) == (5, 8)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (b"MUG,BERLIN,3,extra", "has 4 columns, the header 3"),
        (b"MUG", "has 1 columns, the header 3"),
        (b"M\xdcG,BERLIN,3", "is not UTF-8"),
        (b"MUG\x00,BERLIN,3", "holds a NUL"),
    ],
)
def test_a_ragged_or_garbled_row_is_named_and_harms_no_other(
    stock: Stock, send: Any, row: bytes, why: str
) -> None:
    mugs, plates = stock("MUG", 5), stock("PLATE", 7)

    run = send(HEADER.encode() + b"MUG,BERLIN,6\n" + row + b"\nPLATE,BERLIN,8\n")

    assert outcome(run) == {"changed": 2, "rejected": 1}
    assert whys(run) == [(3, why)]
    assert (on_hand(mugs), on_hand(plates)) == (6, 8)


def test_rows_that_contradict_each_other_all_fall_out(stock: Stock, send: Any) -> None:
    mugs, plates, lamps = stock("MUG", 5), stock("PLATE", 7), stock("LAMP", 1)

    run = send(
        HEADER + "MUG,BERLIN,6\nMUG,BERLIN,8\n"  # two new words
        "PLATE,BERLIN,7\nPLATE,BERLIN,9\n"  # one of them is what we know
        "LAMP,BERLIN,2\nLAMP,BERLIN,2.0\n"  # the same word twice
    )

    assert (on_hand(mugs), on_hand(plates), on_hand(lamps)) == (5, 7, 2)
    assert whys(run) == [(n, "another row says otherwise") for n in (2, 3, 5)]
    assert outcome(run) == {"changed": 1, "unchanged": 2, "rejected": 3}


def test_units_are_converted_by_the_items_own_factor(
    stock: Stock, send: Any, wms: Connection
) -> None:
    mugs, plates, lamps = stock("MUG", 5), stock("PLATE", 7), stock("LAMP", 1)
    ItemUnit.objects.create(item_id=mugs.item_id, unit="case", factor=12)
    ItemUnit.objects.create(item_id=lamps.item_id, unit="case", factor=6)
    for theirs, ours in (("CS", "case"), ("EA", "each")):
        CodeMapping.objects.create(
            connection=wms, table="UNIT", external_code=theirs, canonical_code=ours
        )

    run = send(
        "sku,location,quantity,uom\nMUG,BERLIN,2,CS\nPLATE,BERLIN,9,EA\nLAMP,BERLIN,1.5,Case\n"
    )

    assert outcome(run) == {"changed": 3}
    assert (on_hand(mugs), on_hand(plates), on_hand(lamps)) == (24, 9, 9)
    assert run.units == 42


def test_their_codes_are_read_by_the_mapping(stock: Stock, send: Any, wms: Connection) -> None:
    mugs, plates = stock("MUG", 5), stock("PLATE", 7)
    CodeMapping.objects.create(
        connection=wms, table="SKU", external_code="4711", canonical_code="MUG"
    )
    CodeMapping.objects.create(
        connection=wms,
        table="LOCATION",
        external_code="01",
        canonical_code="BERLIN",
        direction="INWARD",
    )

    assert outcome(send(HEADER + "4711,01,6\nPLATE,01,7\n")) == {"changed": 1, "unchanged": 1}

    assert (on_hand(mugs), on_hand(plates)) == (6, 7)
    # Two spellings of one shelf that contradict each other.
    run = send(HEADER + "4711,01,6\nMUG,BERLIN,8\nPLATE,01,7\n")
    assert outcome(run) == {"unchanged": 2, "rejected": 1}
    assert on_hand(mugs) == 6


def test_unknown_codes_of_many_rows_are_one_case_that_a_second_run_closes(
    stock: Stock, send: Any, wms: Connection, orders_team: Any, ana: Any, now: datetime
) -> None:
    stock("MUG", 5)
    rows = "".join(f"CUP-{n},BERLIN,1\n" for n in range(300))

    run = send(HEADER + "MUG,BERLIN,6\nMUGG,BERLIN,2\n" + rows)

    assert outcome(run) == {"changed": 1, "unknown": 301}
    assert len(run.samples) == 100
    case = ExceptionCase.objects.get()
    assert case.title == "301 rows of a stock file of WMS Berlin name what we don't know"
    assert "SKU: CUP-0" in case.detail
    assert len(case.context["codes"]["SKU"]) == 200

    Item.objects.bulk_create(Item(sku=f"CUP-{n}") for n in range(300))
    Item.objects.create(sku="MUGG")
    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)
    run_due_snapshots(now=now)

    case.refresh_from_db()
    run.refresh_from_db()
    assert (case.state, case.resolution) == ("RESOLVED", "replay")
    assert outcome(run) == {"added": 301, "unchanged": 1}
