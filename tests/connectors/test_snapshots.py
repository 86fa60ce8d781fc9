"""A whole file of stock: what is new is applied, what is wrong is named, nobody waits for it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.db import transaction

from connectors.models import CodeMapping, Connection
from connectors.services.snapshots import run_again, run_due_snapshots, take_snapshot
from exceptions.buttons import buttons_of
from exceptions.models import ExceptionCase
from exceptions.services.recount import ask_recount
from exceptions.services.replay import replay_case
from inventory.errors import SnapshotKeyReused, SnapshotUnreadable
from inventory.ledger import prove_levels
from inventory.models import (
    Item,
    ItemUnit,
    Location,
    SnapshotMark,
    SnapshotPart,
    SnapshotRun,
    StockLevel,
    StockMovement,
    StockSignal,
)
from inventory.services import apply_snapshot
from inventory.services.forget_files import forget_files
from inventory.services.move import Kind, move_stock
from tests.conftest import Stock
from tests.inventory.promises import promise
from tests.inventory.test_count import count, on_hand, ship
from tests.inventory.test_ledger import moved
from tests.racing import at_once

HEADER = "sku,location,quantity\n"
MINUTE = timedelta(minutes=1)


def in_chunks(body: bytes, size: int = 7) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.fixture
def send(wms: Connection, now: datetime) -> Any:
    """Take a file as the warehouse's and run it."""
    numbers = iter(range(1000))

    def run(body: str | bytes, at: datetime | None = None, key: str = "") -> SnapshotRun:
        raw = body.encode() if isinstance(body, str) else body
        taken = take_snapshot(
            in_chunks(raw), connection=wms, key=key or f"k{next(numbers)}", counted_at=at or now
        )
        run_due_snapshots(now=now)
        taken.refresh_from_db()
        return taken

    return run


def outcome(run: SnapshotRun) -> dict[str, int]:
    names = ("added", "changed", "unchanged", "outdated", "unknown", "rejected")
    told = {name: getattr(run, name) for name in names}
    return {name: number for name, number in told.items() if number}


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


def test_the_same_file_under_one_key_is_one_run(send: Any, stock: Stock, wms: Connection) -> None:
    stock("MUG", 5)
    first = send(HEADER + "MUG,BERLIN,9\n", key="night")

    assert send(HEADER + "MUG,BERLIN,9\n", key="night") == first
    with pytest.raises(SnapshotKeyReused):
        send(HEADER + "MUG,BERLIN,8\n", key="night")

    assert SnapshotRun.objects.count() == 1
    assert on_hand(StockLevel.objects.get()) == 9


def zipped(plain: bytes) -> bytes:
    """Without the time: names of tests are the same in every worker."""
    return gzip.compress(plain, mtime=0)


PLAIN = HEADER + "MUG,BERLIN,9\n"


@pytest.mark.parametrize(
    "body",
    [
        PLAIN.encode(),
        zipped(PLAIN.encode()),
        zipped(HEADER.encode()) + zipped(b"MUG,BERLIN,9\n"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        b"\xff\xfe" + PLAIN.encode("utf-16-le"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", "|").encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        b"Warehouse,Name,On hand,Item No\nBERLIN,A mug,9,MUG",
        b'sku,location,quantity\n"MUG","BERLIN","9"\n',
        b"sku,location,quantity\nMUG,BERLIN,+9.000\n",
    ],
)
def test_a_file_is_read_however_it_is_written(stock: Stock, send: Any, body: bytes) -> None:
    mugs = stock("MUG", 5)

    assert outcome(send(body)) == {"changed": 1}

    assert on_hand(mugs) == 9


def test_a_file_of_many_pieces_is_read_to_its_end(
    stock: Stock, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inventory.services.keep_snapshot.PART", 20)
    stock("MUG", 5)
    rows = [f"NIX-{n},BERLIN,1\n" for n in range(5_000)]

    run = send(HEADER + "".join(rows) + "MUG,BERLIN,9\n")

    assert SnapshotPart.objects.filter(run=run).count() > 100
    assert (run.state, run.rows, outcome(run)) == (
        "APPLIED",
        5_001,
        {"changed": 1, "unknown": 5_000},
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "The header has no column “sku”. It must name sku, location, quantity."),
        (b"sku,quantity\nMUG,1\n", "The header has no column “location”."),
        (b"sku,item,location,quantity\n", "Two columns of the header mean “sku”."),
        (b"\xe9\xa0,location\n", "The header is neither UTF-8 nor UTF-16."),
        (zipped(PLAIN.encode())[:-9], "The file ends before it is whole."),
        (b"\x1f\x8b garbage", "The file is damaged: it can't be unpacked."),
    ],
)
def test_a_file_that_is_no_table_is_a_case(send: Any, body: bytes, why: str) -> None:
    run = send(body)

    assert run.state == "FAILED"
    assert run.error.startswith(why)
    assert ExceptionCase.objects.get().code == "inventory.snapshot_unreadable"


def test_a_small_file_cant_unpack_to_a_huge_one(
    send: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SNAPSHOT_MAX_UNPACKED = 3_000_000
    bomb = zipped(HEADER.encode() + b"0" * 50_000_000)
    assert len(bomb) < 60_000

    run = send(bomb)

    assert (run.state, run.error) == ("FAILED", "The file unpacks to more than 3000000 bytes.")


def test_a_file_over_the_cap_leaves_nothing(send: Any, settings: Any) -> None:
    settings.SNAPSHOT_MAX_BYTES = 1000

    with pytest.raises(SnapshotUnreadable, match="larger than 1000 bytes"):
        send(HEADER + "MUG,BERLIN,1\n" * 100)

    assert not SnapshotRun.objects.exists()
    assert not SnapshotPart.objects.exists()


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


# --- Time ----------------------------------------------------------------------------------------


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


# --- What a person must decide -------------------------------------------------------------------


@pytest.mark.parametrize(
    "small", ["MUG,BERLIN,5\n", "MUG,BERLIN,0\nPLATE,BERLIN,0\nLAMP,BERLIN,1\n"]
)
def test_a_file_that_shrank_by_half_is_applied_only_when_a_person_says_so(
    stock: Stock, send: Any, small: str, orders_team: Any, ana: Any, now: datetime
) -> None:
    mugs = stock("MUG", 5)
    stock("PLATE", 7), stock("LAMP", 1)
    send(HEADER + "MUG,BERLIN,6\nPLATE,BERLIN,7\nLAMP,BERLIN,1\n")

    run = send(HEADER + small, at=now)

    assert (run.state, on_hand(mugs)) == ("HELD", 6)
    case = ExceptionCase.objects.get()
    assert case.title == "A stock file of WMS Berlin is less than half of the one before"
    assert "the one before 14 units in 3 rows" in case.detail

    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)
    run_due_snapshots(now=now)

    run.refresh_from_db()
    case.refresh_from_db()
    assert (run.state, case.state) == ("APPLIED", "RESOLVED")
    assert on_hand(mugs) == (5 if "5" in small else 0)


def test_a_level_that_falls_below_its_promises_is_a_case(
    stock: Stock, send: Any, now: datetime
) -> None:
    stock("MUG", 5)
    promise("A", MUG=4, now=now - 30 * MINUTE)

    send(HEADER + "MUG,BERLIN,3\n")

    case = ExceptionCase.objects.get()
    assert (case.code, case.context["cause"]) == ("inventory.overdrawn", "WRONG_COUNT")


def test_a_broken_promise_is_told_though_the_worker_vanished_after_the_merge(
    stock: Stock, send: Any, wms: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock("MUG", 5)
    promise("A", MUG=4, now=now - 30 * MINUTE)

    def vanish(**_more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("inventory.services.apply_snapshot.mark_snapshot", vanish)
        with pytest.raises(KeyboardInterrupt):
            send(HEADER + "MUG,BERLIN,3\n")
    assert not ExceptionCase.objects.exists()
    run_due_snapshots(now=now)

    case = ExceptionCase.objects.get()
    assert (case.code, case.context["cause"]) == ("inventory.overdrawn", "WRONG_COUNT")
    run = SnapshotRun.objects.get()
    assert (run.state, run.attempt, outcome(run)) == ("APPLIED", 2, {"unchanged": 1})


def test_a_run_that_keeps_ending_its_worker_is_given_up(
    stock: Stock, send: Any, wms: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock("MUG", 5)

    def vanish(*_args: Any, **_more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("inventory.services.apply_snapshot.compare_snapshot", vanish)
        run = take_snapshot([PLAIN.encode()], connection=wms, key="k", counted_at=now)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                run_due_snapshots(now=now)
    run_due_snapshots(now=now)

    run.refresh_from_db()
    assert (run.state, run.error) == ("FAILED", "It was broken off 3 times before it ended.")


def test_a_file_is_kept_for_as_long_as_somebody_may_run_it_again(
    stock: Stock, send: Any, ana: Any, now: datetime
) -> None:
    stock("MUG", 5)
    whole = send(HEADER + "MUG,BERLIN,9\n")
    unmapped = send(HEADER + "MUG,BERLIN,9\nBOWL,BERLIN,1\n")
    waiting = SnapshotRun.objects.create(
        source="wms-berlin", key="waits", size=1, body_sha256=b"", counted_at=now
    )
    SnapshotPart.objects.create(run=waiting, number=0, body=b"x")
    SnapshotRun.objects.update(finished_at=now)

    def kept() -> set[int]:
        return set(SnapshotPart.objects.values_list("run_id", flat=True))

    assert forget_files(now=now + timedelta(hours=24)) == 0
    assert forget_files(now=now + timedelta(hours=25)) == 1
    assert kept() == {unmapped.pk, waiting.pk}
    assert forget_files(now=now + timedelta(days=31)) == 1
    assert kept() == {waiting.pk}
    assert set(SnapshotRun.objects.values_list("pk", flat=True)) == {
        whole.pk,
        unmapped.pk,
        waiting.pk,
    }

    case = ExceptionCase.objects.get()
    (replay, *_) = buttons_of(case, user=ana)
    assert replay.disabled_reason == "The file is not kept any more. Ask the sender for a new one."
    assert not run_again(run_id=unmapped.pk, is_forced=False)


# --- Volume and company --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_sales_go_on_while_a_file_is_merged_and_nothing_is_lost(
    stock: Stock, wms: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inventory.services.compare_snapshot.SLICE", 10)
    levels = [stock(f"ITEM-{n:03}", 100) for n in range(60)]
    rows = "".join(f"ITEM-{n:03},BERLIN,{50 + n}\n" for n in range(60))
    take_snapshot(
        [HEADER.encode() + rows.encode()], connection=wms, key="k", counted_at=now - 5 * MINUTE
    )

    def sell(turn: int) -> None:
        for level in levels[turn::3]:
            at = now - timedelta(seconds=turn)
            move_stock([moved(level, Kind.SOLD, at, f"sold:{level.pk}:{turn}", on_hand=-1)])

    ends = at_once(
        [partial(sell, turn) for turn in range(3)] + [lambda: run_due_snapshots(now=now)]
    )

    assert [end for end in ends if isinstance(end, Exception)] == []
    run = SnapshotRun.objects.get()
    assert (run.state, run.error, outcome(run)) == (
        "APPLIED",
        "",
        {"changed": 59, "unchanged": 1},
    )
    assert [on_hand(level) for level in levels] == [49 + n for n in range(60)]
    assert prove_levels(most=1).differing == 0
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'inventory_staging%'")
        assert cursor.fetchone()[0] == 0


# --- The command ---------------------------------------------------------------------------------


def test_the_command_applies_a_file_and_tells_the_numbers(
    stock: Stock, wms: Connection, tmp_path: Path
) -> None:
    mugs = stock("MUG", 5)
    path = tmp_path / "stock.csv.gz"
    path.write_bytes(zipped((PLAIN + "CUP,BERLIN,1\n").encode()))
    out = StringIO()

    call_command("import_snapshot", str(path), connection="wms-berlin", stdout=out)

    assert on_hand(mugs) == 9
    assert "         1 changed\n" in out.getvalue()
    assert "row 3: unknown SKU: CUP, BERLIN, 1\n" in out.getvalue()
    with pytest.raises(CommandError, match="no connection nobody"):
        call_command("import_snapshot", str(path), connection="nobody")


def test_the_command_refuses_a_shrunken_file_unless_forced(
    stock: Stock, wms: Connection, tmp_path: Path
) -> None:
    mugs = stock("MUG", 5)
    stock("PLATE", 100)
    path = tmp_path / "stock.csv"
    path.write_text(HEADER + "MUG,BERLIN,6\nPLATE,BERLIN,100\n")
    call_command("import_snapshot", str(path), connection="wms-berlin", stdout=StringIO())
    path.write_text(HEADER + "MUG,BERLIN,7\nPLATE,BERLIN,0\n")

    with pytest.raises(CommandError, match="Held"):
        call_command("import_snapshot", str(path), connection="wms-berlin", stdout=StringIO())
    assert on_hand(mugs) == 6

    call_command(
        "import_snapshot", str(path), connection="wms-berlin", force=True, stdout=StringIO()
    )
    assert on_hand(mugs) == 7
    assert Location.objects.count() == 1
