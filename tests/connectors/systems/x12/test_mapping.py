"""An 846 tells counts: of which item, where, when, in which unit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connectors.systems.base import MappingFailed
from connectors.systems.x12.adapter import X12
from connectors.systems.x12.envelope import parse
from connectors.systems.x12.mapping import read_counts
from inventory.canonical import CanonicalStockCount
from tests.connectors.systems.x12.interchanges import ADVICE, interchange, one_set

BIA = "BIA*00*MM*REF-1*20261120*0930"
HALF_PAST_NINE = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def counts(lines: Sequence[str] = ADVICE) -> list[CanonicalStockCount]:
    return read_counts(parse(interchange(one_set(lines))))


def test_reads_item_place_time_and_unit() -> None:
    assert counts() == [
        CanonicalStockCount(
            sku="MUG",
            quantity=Decimal(9),
            unit="EA",
            source_key="ZZ:ACME:000000042:7:0001:4",
            location="BERLIN",
            counted_at=HALF_PAST_NINE,
        ),
        CanonicalStockCount(
            sku="TRAY",
            quantity=Decimal(4),
            unit="",
            source_key="ZZ:ACME:000000042:7:0001:6",
            location="BERLIN",
            counted_at=HALF_PAST_NINE,
        ),
    ]


def test_several_sets_are_several_advices_and_others_are_left_alone() -> None:
    body = interchange(
        one_set(),
        one_set(["BEG*00*SA*1**20261120"], kind="850", number="0002"),
        one_set([BIA, "LIN**SK*CUP", "QTY*17*1"], number="0003"),
    )

    assert [(c.sku, c.source_key.split(":")[-2]) for c in read_counts(parse(body))] == [
        ("MUG", "0001"),
        ("TRAY", "0001"),
        ("CUP", "0003"),
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["LIN**SK*MUG", "QTY*17*1"], "ACME"),
        (["REF*LU*HAMBURG", "LIN**SK*MUG", "QTY*17*1"], "HAMBURG"),
        (["N1*WH**92*BERLIN", "LIN**SK*MUG", "N9*LU*HAMBURG", "QTY*17*1"], "HAMBURG"),
        (["N1*BY*We*92*X", "LIN**SK*MUG", "QTY*17*1", "N1*SN**92*STORE"], "STORE"),
    ],
)
def test_the_nearest_place_counts_and_the_sender_where_none_is_named(
    lines: Sequence[str], expected: str
) -> None:
    assert [count.location for count in counts([BIA, *lines])] == [expected]


def test_one_item_at_two_places() -> None:
    lines = ["LIN**SK*MUG", "QTY*17*1", "N9*LU*A", "QTY*17*2", "N9*LU*B", "LIN**SK*CUP", "QTY*17*3"]

    assert [(c.sku, c.location, c.quantity) for c in counts([BIA, *lines])] == [
        ("MUG", "A", 1),
        ("MUG", "B", 2),
        ("CUP", "ACME", 3),
    ]


@pytest.mark.parametrize(
    ("lin", "sku"),
    [
        ("LIN*1*UP*0123*VN*V-1*SK*S-1", "S-1"),
        ("LIN*1*UP*0123*VN*V-1*BP*B-1", "B-1"),
        ("LIN*1*UP*0123*VP*V-1", "V-1"),
        ("LIN*1*UP*0123", "0123"),
    ],
)
def test_the_best_name_of_an_item(lin: str, sku: str) -> None:
    assert counts([BIA, lin, "QTY*17*1"])[0].sku == sku


@pytest.mark.parametrize(
    ("dtm", "moment"),
    [
        ("DTM*007*20261119*2200*GM", datetime(2026, 11, 19, 22, tzinfo=UTC)),
        ("DTM*097*20261119*220015*ES", datetime(2026, 11, 20, 3, 0, 15, tzinfo=UTC)),
        ("DTM*102*20260719*2200*ET", datetime(2026, 7, 20, 2, tzinfo=UTC)),
        ("DTM*036*20291119", HALF_PAST_NINE),  # when it expires
    ],
)
def test_when_it_was_counted(dtm: str, moment: datetime) -> None:
    assert counts([BIA, "LIN**SK*MUG", dtm, "QTY*17*1"])[0].counted_at == moment


def test_a_day_without_a_time_takes_that_of_the_interchange() -> None:
    lines = ["BIA*00*MM*REF-1*20261120", "LIN**SK*MUG", "QTY*17*1"]

    assert counts(lines)[0].counted_at == datetime(2026, 11, 20, 9, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("qty", "quantity", "unit"),
    [("QTY*17*12.*CA", "12", "CA"), ("QTY*17*.5*KG>2", "0.5", "KG"), ("QTY*17*3", "3", "DZ")],
)
def test_numbers_and_units_as_edi_writes_them(qty: str, quantity: str, unit: str) -> None:
    (count,) = counts([BIA, "LIN**SK*MUG", "UIT*DZ", qty])

    assert (count.quantity, count.unit) == (Decimal(quantity), unit)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["LIN**SK*MUG"], "set 0001 BIA is missing."),
        (["BIA*01*MM*R*20261120"], "set 0001 BIA01 is '01', which is not a count."),
        ([BIA, "LIN**ZZ*MUG", "QTY*17*1"], "set 0001 LIN names the item by ZZ; we read SK,"),
        ([BIA, "LIN**SK*MUG", "QTY*17*x"], "set 0001 segment 4.QTY02 is not an amount"),
        ([BIA, "LIN**SK*MUG", "QTY*17*-1"], "set 0001 segment 4.QTY02 is negative (-1)."),
        ([BIA, "LIN**SK*M", "QTY*17*1", "QTY*17*2"], "set 0001 QTY counts 'M' at 'ACME' twice"),
        ([BIA, "LIN**SK*M", "SDQ*EA*92*S1*4"], "set 0001 SDQ tells quantities by location"),
        (["BIA*00*MM*R", "LIN**SK*M", "QTY*17*1"], "set 0001 BIA04 is missing, and no DTM"),
        (["BIA*00*MM*R*20261320*0930"], "set 0001 BIA04 is no day or time: '202613200930'."),
        ([BIA, "DTM*007*20261120*0930*XX"], "set 0001 DTM02 can't be read as a time:"),
    ],
)
def test_names_what_cant_be_read(lines: Sequence[str], sentence: str) -> None:
    with pytest.raises(MappingFailed) as caught:
        counts(lines)

    assert str(caught.value).startswith(f"The 846 can't be read: {sentence}")


@pytest.mark.parametrize("lines", [[], ["LIN**SK*MUG"], ["LIN**SK*MUG", "QTY*63*5"]])
def test_what_counts_nothing_is_ignored(lines: Sequence[str]) -> None:
    payload = parse(interchange(one_set([BIA, *lines])))

    assert X12().read("846", payload).ignored == "No 846 that counts stock; it began with 846."


def test_a_test_interchange_moves_nothing() -> None:
    reading = X12().read("846", parse(interchange(usage="T")))

    assert (reading.facts, reading.ignored) == ((), "A test interchange (ISA15 is T).")


def test_other_sets_are_ignored_by_name() -> None:
    body = interchange(one_set(["BEG*00*SA*1**20261120"], kind="850"))

    reading = X12().read(X12().open({}, body).topic, parse(body))

    assert reading.ignored == "No 846 that counts stock; it began with 850."


def test_the_key_is_made_of_the_control_numbers() -> None:
    envelope = X12().open({"webhook-id": "w-1"}, interchange(after="\n"))

    assert (envelope.topic, envelope.key) == ("846", "ZZ:ACME:000000042:7:0001")
