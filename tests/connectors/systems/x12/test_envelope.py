"""Only an interchange that adds up is read, and whatever else comes is refused in a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.systems.base import MappingFailed
from connectors.systems.x12.adapter import X12
from connectors.systems.x12.envelope import parse
from tests.connectors.systems.x12.interchanges import interchange, isa, one_set

TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*~>|^"))
TAGS = st.sampled_from(["BIA", "LIN", "QTY", "N1", "DTM"])
SEGMENTS = st.lists(st.tuples(TAGS, TEXTS.filter(bool)).map(list), max_size=6)


def segments_of(body: bytes) -> list[list[list[str]]]:
    return [one["segments"] for one in parse(body)["sets"]]


@given(sets=st.lists(SEGMENTS, max_size=4), after=st.sampled_from(["", "\n", "\r\n"]))
def test_what_was_written_is_read(sets: list[list[list[str]]], after: str) -> None:
    written = [
        one_set(["*".join(segment) for segment in lines], number=f"{number:04}")
        for number, lines in enumerate(sets, 1)
    ]
    if not written:
        return

    assert segments_of(interchange(*written, after=after)) == sets


@given(
    delimiters=st.lists(
        st.sampled_from(list("*|^~>\\:!\n\r\x1c\x1d\x1e\x1f")), min_size=3, max_size=3, unique=True
    )
)
def test_isa_alone_names_the_delimiters(delimiters: list[str]) -> None:
    separator, component, terminator = delimiters
    if separator in "\r\n":
        return
    head = isa("42".rjust(9), separator=separator, component=component, terminator=terminator)
    lines = ["GS*IB*A*B*20261120*0931*7*X*4", "ST*846*1", "BIA*00", "SE*3*1", "GE*1*7", "IEA*1*42"]
    body = head + terminator.join(line.replace("*", separator) for line in lines)

    read = parse(body.encode())

    assert (read["control"], read["component"]) == ("42", component)
    assert read["sets"] == [
        {"group": "7", "number": "1", "kind": "846", "segments": [["BIA", "00"]]}
    ]


@given(st.binary(max_size=400))
def test_hostile_bytes_are_refused_and_nothing_else(body: bytes) -> None:
    _only_refused(body)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 20))
def test_a_damaged_interchange_is_refused_or_read(noise: bytes, at: int, cut: int) -> None:
    whole = interchange()
    _only_refused(whole[:at] + noise + whole[at + cut :])


@given(st.text("ISAGTEQ*~>\n0123 ", max_size=300))
def test_what_resembles_segments_is_refused_or_read(tail: str) -> None:
    _only_refused((isa() + tail).encode())


def _only_refused(body: bytes) -> None:
    envelope = X12().open({}, body)
    assert 0 < len(envelope.key) <= 200
    said = _refusal(envelope.topic, body)
    assert "\x00" not in said
    assert not said or said.endswith(".")


def _refusal(topic: str, body: bytes) -> str:
    try:
        X12().read(topic, parse(body))
    except MappingFailed as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("IEA*1*000000042", "IEA*1*000000043", "IEA02 is '000000043' but ISA13 is '000000042'."),
        ("GE*1*7", "GE*1*8", "GE02 is '8' but GS06 is '7'."),
        ("SE*9*0001", "SE*9*0002", "SE02 is '0002' but ST02 is '0001'."),
        (
            "SE*9*0001",
            "SE*10*0001",
            "SE01 of set 0001 says '10' segments but there are 9: some may be lost.",
        ),
        ("GE*1*7", "GE*2*7", "GE01 says '2' transaction sets but there are 1: some may be lost."),
        ("IEA*1", "IEA*3", "IEA01 says '3' groups but there are 1: some may be lost."),
        ("SE*9*0001~", "", "The interchange can't be read: 'GE' stands where SE should."),
        ("IEA*1*000000042~", "", "The interchange can't be read: the interchange ends"),
        ("ISA*00*", "ISAx00*", "ISA can't be read: 'x' does not separate elements."),
        ("*P*>~", "*P*~~", "ISA names the same character for two delimiters: '*~~'."),
        ("ISA*", "ST*", "The body begins with 'ST*0', not with ISA: send whole interchanges."),
    ],
)
def test_says_what_does_not_add_up(old: str, new: str, sentence: str) -> None:
    body = interchange().replace(old.encode(), new.encode(), 1)

    with pytest.raises(MappingFailed) as caught:
        parse(body)

    assert str(caught.value).startswith(sentence)


def test_a_squeezed_isa_says_what_to_do() -> None:
    body = interchange().replace(b"ACME           ", b"ACME ", 1)

    with pytest.raises(MappingFailed, match=r"ISA06 has 5, not 15\. Have the sender"):
        parse(body)


def test_a_second_interchange_is_not_lost_silently() -> None:
    with pytest.raises(MappingFailed, match="ISA follows IEA: send one interchange per message"):
        parse(interchange() * 2)
