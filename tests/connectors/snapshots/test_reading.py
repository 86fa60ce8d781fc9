"""A file is read however it is written; what is no table is refused with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.models import Connection
from exceptions.models import ExceptionCase
from inventory.errors import SnapshotKeyReused, SnapshotUnreadable
from inventory.models import SnapshotPart, SnapshotRun, StockLevel
from tests.conftest import Stock
from tests.connectors.snapshots.files import HEADER, PLAIN, outcome, zipped
from tests.inventory.levels import on_hand


def test_the_same_file_under_one_key_is_one_run(send: Any, stock: Stock, wms: Connection) -> None:
    stock("MUG", 5)
    first = send(HEADER + "MUG,BERLIN,9\n", key="night")

    assert send(HEADER + "MUG,BERLIN,9\n", key="night") == first
    with pytest.raises(SnapshotKeyReused):
        send(HEADER + "MUG,BERLIN,8\n", key="night")

    assert SnapshotRun.objects.count() == 1
    assert on_hand(StockLevel.objects.get()) == 9


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
