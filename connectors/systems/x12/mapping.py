"""What does an 846 inventory advice tell of stock? Pure.

* Item (LIN): the first of SK (stock keeping unit), BP and IN (the buyer's numbers: ours), VN and VP
  (the vendor's), EN, UP, UK and UI (bar codes).
* Quantity (QTY01): 17 is on hand, which is what a count is. Without it 33, available for sale: less
  than on hand, so that it never sells what is not there. Others (on order, in transit, committed)
  are no count. Quantities by location in SDQ are refused, as half of the truth would be read.
* Unit: QTY03, else UIT, else the item's own.
* Location: N1 of a warehouse (WH), store (SN) or ship-from (SF) by its code (N104), or N9 and REF
  with LU (location) or ST (store). Without any it is the sender (ISA06).
* Counted at: DTM 007 (effective), 097 (created), 102 (issued) or 167 (revised), else BIA04 and 05.
  UTC where no time code says otherwise.

Locations, units and dates before the first LIN hold for the set, before the first QTY of an item
for the item, and after a QTY for that QTY alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from connectors.systems.base import MappingFailed
from connectors.systems.fields import MAX_CODE, MAX_ITEMS, Fields
from inventory.canonical import CanonicalStockCount

ADVICE = "846"
PURPOSES = frozenset({"00", "02", "04", "05"})  # original, added, changed, replaced
ITEM_QUALIFIERS = ("SK", "BP", "IN", "VN", "VP", "EN", "UP", "UK", "UI")
ON_HAND, FOR_SALE = "17", "33"
PLACES = frozenset({"WH", "SN", "SF"})
PLACE_REFERENCES = frozenset({"LU", "ST"})
COUNT_DATES = frozenset({"007", "097", "102", "167"})
ZONES: dict[str, tzinfo] = {
    "": UTC,
    "LT": UTC,  # "local", but not where
    "UT": UTC,
    "GM": UTC,
    "ET": ZoneInfo("America/New_York"),
    "CT": ZoneInfo("America/Chicago"),
    "MT": ZoneInfo("America/Denver"),
    "PT": ZoneInfo("America/Los_Angeles"),
    "ES": timezone(timedelta(hours=-5)),
    "ED": timezone(timedelta(hours=-4)),
    "CS": timezone(timedelta(hours=-6)),
    "CD": timezone(timedelta(hours=-5)),
    "MS": timezone(timedelta(hours=-7)),
    "MD": timezone(timedelta(hours=-6)),
    "PS": timezone(timedelta(hours=-8)),
    "PD": timezone(timedelta(hours=-7)),
}
FORMATS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


@dataclass(frozen=True, kw_only=True)
class Around:
    """What holds for the segments that follow."""

    location: str
    counted_at: datetime | None = None
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One QTY and what was said of it."""

    kind: str
    count: CanonicalStockCount


def read_counts(payload: Any) -> list[CanonicalStockCount]:
    """The counts of every 846 in a parsed interchange. Raises `MappingFailed` naming the place."""
    interchange = Fields(payload, "The interchange")
    counts = [
        count
        for one in interchange.items("sets", required=True)
        if one.text("kind", "") == ADVICE
        for count in _Advice(interchange, one).counts()
    ]
    if len(counts) > MAX_ITEMS:
        interchange.refuse("sets", f"hold more than {MAX_ITEMS} counts: send a file of stock")
    return counts


class _Advice:
    """One transaction set."""

    def __init__(self, interchange: Fields, one: Fields) -> None:
        self._interchange = interchange
        self._component = interchange.text("component", ":", limit=1)
        self._number = one.text("number", limit=20)
        sender = interchange.text("sender", limit=20)
        self._key = f"{sender}:{interchange.text('control')}:{one.text('group')}:{self._number}"
        self._sender = sender.partition(":")[2]
        self._segments = _segments(one)

    def counts(self) -> list[CanonicalStockCount]:
        """On hand before for sale, and each item once per place."""
        chosen: dict[tuple[str, str], Told] = {}
        for told in self._told():
            spot = told.count.sku, told.count.location
            if spot in chosen and chosen[spot].kind == told.kind:
                self._refuse("QTY", f"counts {spot[0]!r} at {spot[1]!r} twice: which one counts?")
            if spot not in chosen or told.kind == ON_HAND:
                chosen[spot] = told
        return [told.count for told in chosen.values()]

    def _told(self) -> Iterator[Told]:
        starts = [n for n, segment in enumerate(self._segments) if segment[0] == "LIN"]
        head = self._segments[: starts[0]] if starts else self._segments
        around = self._around(head, Around(location=self._sender, counted_at=self._begun(head)))
        for begin, end in pairwise([*starts, len(self._segments)]):
            yield from self._item(begin, end, around)

    def _item(self, begin: int, end: int, around: Around) -> Iterator[Told]:
        sku = self._sku(self._segments[begin])
        tags = [segment[0] for segment in self._segments[begin:end]]
        if "SDQ" in tags:
            self._refuse("SDQ", "tells quantities by location, which we don't read: ask for QTY")
        marks = [begin + n for n, tag in enumerate(tags) if tag == "QTY"]
        around = self._around(self._segments[begin : marks[0] if marks else end], around)
        for at, stop in pairwise([*marks, end]):
            kind = element(self._segments[at], 1)
            if kind in (ON_HAND, FOR_SALE):
                here = self._around(self._segments[at + 1 : stop], around)
                yield Told(kind=kind, count=self._count(sku, at, here))

    def _count(self, sku: str, at: int, here: Around) -> CanonicalStockCount:
        segment = self._segments[at]
        unit = element(segment, 3).partition(self._component)[0].strip()
        told = Fields({"QTY02": _plain(element(segment, 2))}, "The 846", self._where(at))
        if here.counted_at is None:
            self._refuse("BIA04", "is missing, and no DTM says when it was counted")
        return CanonicalStockCount(
            sku=sku,
            location=here.location,
            quantity=told.amount("QTY02"),
            counted_at=here.counted_at,
            source_key=f"{self._key}:{at}",
            unit=self._code("QTY03", unit) if unit else here.unit,
        )

    def _begun(self, head: Sequence[list[str]]) -> datetime | None:
        bia = next((segment for segment in head if segment[0] == "BIA"), None)
        if bia is None:
            self._refuse("BIA", "is missing")
        if (purpose := element(bia, 1)) not in PURPOSES:
            self._refuse("BIA01", f"is {purpose[:10]!r}, which is not a count")
        date, time = element(bia, 4), element(bia, 5)
        if not time and date == self._interchange.text("date", ""):
            time = self._interchange.text("time", "")
        return self._moment("BIA04", date, time, "") if date else None

    def _around(self, segments: Sequence[list[str]], around: Around) -> Around:
        for segment in segments:
            around = self._heard(segment, around)
        return around

    def _heard(self, segment: list[str], around: Around) -> Around:
        tag, kind = segment[0], element(segment, 1)
        if tag == "N1" and kind in PLACES and element(segment, 4):
            return replace(around, location=self._code("N104", element(segment, 4)))
        if tag in ("N9", "REF") and kind in PLACE_REFERENCES and element(segment, 2):
            return replace(around, location=self._code(f"{tag}02", element(segment, 2)))
        if tag == "UIT" and kind:
            unit = kind.partition(self._component)[0].strip()
            return replace(around, unit=self._code("UIT01", unit))
        if tag == "DTM" and kind in COUNT_DATES and element(segment, 2):
            said = (element(segment, number) for number in (2, 3, 4))
            return replace(around, counted_at=self._moment("DTM02", *said))
        return around

    def _sku(self, lin: list[str]) -> str:
        pairs = {element(lin, n): element(lin, n + 1) for n in range(2, len(lin) - 1, 2)}
        found = next((qualifier for qualifier in ITEM_QUALIFIERS if pairs.get(qualifier)), None)
        if found is None:
            seen = ", ".join(sorted(pairs))[:60] or "nothing"
            self._refuse("LIN", f"names the item by {seen}; we read {', '.join(ITEM_QUALIFIERS)}")
        return self._code(f"LIN {found}", pairs[found])

    def _code(self, name: str, value: str) -> str:
        if not value or len(value) > MAX_CODE or not value.isprintable():
            self._refuse(name, f"is not a code of 1 to {MAX_CODE} characters")
        return value

    def _moment(self, name: str, date: str, time: str, zone: str) -> datetime:
        text = date + time[:6]
        shape = FORMATS.get(len(text)) if text.isascii() and text.isdecimal() else None
        if shape is None or zone not in ZONES:
            self._refuse(name, f"can't be read as a time: {date[:20]!r} {time[:20]!r} {zone[:9]!r}")
        try:
            moment = datetime.strptime(text, shape).replace(tzinfo=ZONES[zone])
        except ValueError:
            self._refuse(name, f"is no day or time: {text!r}")
        if not 1900 < moment.year < 3000:
            self._refuse(name, f"is no year of ours: {text!r}")
        return moment

    def _where(self, at: int) -> str:
        # ST is a set's first segment.
        return f"set {self._number} segment {at + 2}"

    def _refuse(self, field: str, why: str) -> NoReturn:
        path = f"set {self._number} {field}"
        raise MappingFailed(f"The 846 can't be read: {path} {why}.", field=path)


def element(segment: Sequence[str], number: int) -> str:
    """An element by its number, trimmed; empty where the segment ends before it."""
    return segment[number].strip() if number < len(segment) else ""


def _plain(number: str) -> str:
    # X12 numbers may leave out the zero before the point, or all after it.
    return f"0{number}" if number.startswith(".") else number.removesuffix(".")


def _segments(one: Fields) -> list[list[str]]:
    rows = one.raw.get("segments")
    if not isinstance(rows, list):
        one.refuse("segments", "is not a list")
    for row in rows:
        if not (isinstance(row, list) and row and all(isinstance(part, str) for part in row)):
            one.refuse("segments", "is not a list of lists of texts")
    return rows
