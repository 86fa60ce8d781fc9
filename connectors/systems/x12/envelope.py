"""Which transaction sets are in these bytes? The envelope rules of X12.5 and X12.6. Pure.

ISA has 106 characters and names all delimiters by position: the element separator is the 4th, the
component separator ISA16, the segment terminator the 106th; ISA11 is the repetition separator from
version 00402 on ("U" before). Line breaks after a terminator don't count.

An interchange is refused whole when its envelope does not add up. That includes the counts (SE01,
GE01, IEA01): they alone tell that a line was lost on the way, and a lost line is a wrong level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from connectors.systems.base import MappingFailed

ISA_LENGTH = 106
# The characters of "ISA" and of ISA01 to ISA16.
ISA_WIDTHS = (3, 2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
MAX_SEGMENTS = 200_000

Segment = list[str]


@dataclass(frozen=True, kw_only=True)
class Header:
    """What ISA says."""

    elements: Sequence[str]  # "ISA" and ISA01 to ISA16, with their padding
    separator: str
    terminator: str

    def at(self, number: int) -> str:
        """ISA01 to ISA16, trimmed."""
        return self.elements[number].strip()


def read_header(text: str) -> Header:
    """The first 106 characters. Raises `MappingFailed` saying what to do."""
    if not text.startswith("ISA"):
        refuse("ISA", f"The body begins with {text[:4]!r}, not with ISA: send whole interchanges.")
    isa = text[:ISA_LENGTH]
    separator, parts = isa[3:4], isa[:-1].split(isa[3:4] or None)
    if separator.isalnum() or separator in " \r\n" or not isa.isascii():
        refuse("ISA", f"ISA can't be read: {separator!r} does not separate elements.")
    for number, width in enumerate(ISA_WIDTHS):
        found = len(parts[number]) if number < len(parts) else 0
        if found != width:
            refuse("ISA", _squeezed(number, found, width))
    if len(isa) < ISA_LENGTH or len(parts) != len(ISA_WIDTHS):
        refuse("ISA", f"ISA has {len(isa)} characters in {len(parts) - 1} elements, not 106 in 16.")
    header = Header(elements=parts, separator=separator, terminator=isa[-1])
    _refuse_delimiters(header, text[ISA_LENGTH:].split(header.terminator, 1)[0])
    return header


def _squeezed(number: int, found: int, width: int) -> str:
    return (
        f"ISA is not laid out in its 106 characters: ISA{number:02} has {found}, not {width}. "
        "Have the sender or the gateway pad each element to its width, and send it again."
    )


def _refuse_delimiters(header: Header, first: str) -> None:
    component = header.elements[-1]
    if header.terminator in "\r\n" and first.strip().endswith(component):
        refuse("ISA", f"ISA16 is missing: {component!r} stands there, which ends the segments.")
    used = [header.separator, component, header.terminator]
    for character in used:
        if character.isalnum() or character == " ":
            refuse("ISA", f"ISA names {character!r} as a delimiter, which is part of texts.")
    if len(set(used)) < len(used):
        refuse("ISA", f"ISA names the same character for two delimiters: {''.join(used)!r}.")


def decoded(body: bytes) -> str:
    """The text, UTF-8 or else Latin-1, without a byte order mark or white space before it."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    return text.lstrip()


def parse(body: bytes) -> dict[str, Any]:
    """The interchange as plain data, its envelope proven. Raises `MappingFailed`.

    `{"sender": "ZZ:ACME", "control", "date": "20261120", "time": "0930", "is_test", "component",
    "sets": [{"group", "number", "kind": "846", "segments": [["BIA", "00", …], …]}]}`; a set's
    segments are those between ST and SE.
    """
    text = decoded(body)
    header = read_header(text)
    if "\x00" in text:
        refuse("", "The interchange holds a zero byte, which is no text.")
    pieces = text.split(header.terminator, MAX_SEGMENTS + 1)
    if len(pieces) > MAX_SEGMENTS:
        refuse("", f"The interchange has more than {MAX_SEGMENTS} segments: send smaller ones.")
    lines = [piece.strip("\r\n") for piece in pieces]
    # The last segment ends too, but some gateways trim what looks like white space.
    segments = [line.split(header.separator) for line in lines[1:] if line.strip()]
    return {
        "sender": sender_of(header),
        "control": header.at(13),
        "date": f"20{header.at(9)}",
        "time": header.at(10),
        "is_test": header.at(15) == "T",
        "component": header.elements[-1],
        "sets": _Walk(header, segments).sets(),
    }


def sender_of(header: Header) -> str:
    """Who sent it: qualifier and id (ISA05, ISA06)."""
    return f"{header.at(5)}:{header.at(6)}"


class _Walk:
    """Goes through the segments once, from ISA to IEA."""

    def __init__(self, header: Header, segments: Sequence[Segment]) -> None:
        self._header, self._segments, self._at = header, segments, 0

    def sets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        groups = 0
        while self._tag() == "GS":
            found += self._group()
            groups += 1
        end = self._take("IEA", "GS or IEA")
        _same("IEA02", _element(end, 2), "ISA13", self._header.at(13))
        _counts("IEA01", _element(end, 1), "groups", groups)
        if self._at < len(self._segments):
            refuse("IEA", f"{self._tag()} follows IEA: send one interchange per message.")
        return found

    def _group(self) -> list[dict[str, Any]]:
        start, found = self._take("GS", "GS"), []
        while self._tag() == "ST":
            found.append(self._set(_element(start, 6)))
        end = self._take("GE", "ST or GE")
        _same("GE02", _element(end, 2), "GS06", _element(start, 6))
        _counts("GE01", _element(end, 1), "transaction sets", len(found))
        return found

    def _set(self, group: str) -> dict[str, Any]:
        start, begins = self._take("ST", "ST"), self._at
        while self._tag() not in _ENVELOPE:
            self._at += 1
        inside = self._segments[begins : self._at]
        end = self._take("SE", "SE")
        number = _element(start, 2)
        _same("SE02", _element(end, 2), "ST02", number)
        _counts(f"SE01 of set {number[:9]}", _element(end, 1), "segments", len(inside) + 2)
        return {
            "group": group,
            "number": number,
            "kind": _element(start, 1),
            "segments": [list(segment) for segment in inside],
        }

    def _tag(self) -> str:
        return self._segments[self._at][0] if self._at < len(self._segments) else ""

    def _take(self, tag: str, wanted: str) -> Segment:
        if (found := self._tag()) != tag:
            what = f"{found[:20]!r} stands" if found else "the interchange ends"
            refuse(tag, f"The interchange can't be read: {what} where {wanted} should.")
        self._at += 1
        return self._segments[self._at - 1]


_ENVELOPE = frozenset({"", "ISA", "GS", "ST", "SE", "GE", "IEA"})


def _element(segment: Segment, number: int) -> str:
    return segment[number].strip() if number < len(segment) else ""


def _same(name: str, value: str, other_name: str, other: str) -> None:
    if value != other:
        refuse(name, f"{name} is {value[:20]!r} but {other_name} is {other[:20]!r}.")


def _counts(name: str, said: str, what: str, found: int) -> None:
    if not (said.isascii() and said.isdecimal() and len(said) <= 10 and int(said) == found):
        refuse(name, f"{name} says {said[:20]!r} {what} but there are {found}: some may be lost.")


def refuse(field: str, sentence: str) -> NoReturn:
    """Refuse the interchange, naming the segment."""
    raise MappingFailed(sentence, field=field)
