"""One strict reader: whatever a database, a vendor or a person could misread is refused by name."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailhub.kernel.json import InvalidJson, read_json

REFUSED = {
    "NaN": (b'{"a": NaN}', "The body holds NaN, which is not a number in JSON."),
    "Infinity": (b'{"a": Infinity}', "The body holds Infinity, which is not a number in JSON."),
    "minus Infinity": (b"[-Infinity]", "The body holds -Infinity, which is not a number in JSON."),
    "1e400": (b'{"a": 1e400}', "The number 1e400 is out of range."),
    "an exponent beyond counting": (
        b"[1e99999999999999999999]",
        "The number 1e999999999999999999 is out of range.",
    ),
    "1e-400": (b"[1e-400]", "The number 1e-400 is out of range."),
    "lone surrogate": (
        b'{"note": "\\ud800"}',
        "The text at note holds a broken character.",
    ),
    "lone surrogate in a key": (b'{"\\udfff": 1}', "The text at the top holds a broken character."),
    "escaped NUL": (b'{"a": [{"b": "x\\u0000"}]}', "The text at a[0].b holds a broken character."),
    "raw NUL": (
        b'{"a": "\x00"}',
        "The body is not JSON: Invalid control character at at line 1, column 8.",
    ),
    "a hundred thousand levels": (b"[" * 100_000, "The body nests deeper than 64 levels."),
    "a hundred thousand objects": (b'{"a":' * 100_000, "The body nests deeper than 64 levels."),
    "65 levels": (b"[" * 65 + b"]" * 65, "The body nests deeper than 64 levels."),
    "duplicate keys": (
        b'{"qty": 1, "qty": 999}',
        "The field 'qty' is there twice; which one counts?",
    ),
    "duplicate keys deep inside": (
        b'{"lines": [{"sku": "A", "sku": "B"}]}',
        "The field 'sku' is there twice; which one counts?",
    ),
    "duplicate keys spelled differently": (
        b'{"a": 1, "\\u0061": 2}',
        "The field 'a' is there twice; which one counts?",
    ),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "The body is not UTF-8 text (byte 0)."),
    "bad UTF-8": (b'{"a": "\xc3\x28"}', "The body is not UTF-8 text (byte 7)."),
    "a surrogate in UTF-8": (b'"\xed\xa0\x80"', "The body is not UTF-8 text (byte 1)."),
    "5,000 digits": (b"1" * 5_000, "The body holds a number too long to be read."),
    "nothing": (b"", "The body is not JSON: Expecting value at line 1, column 1."),
    "only spaces": (b" \n", "The body is not JSON: Expecting value at line 2, column 1."),
    "cut in half": (
        b'{"id": 1, "lines": [',
        "The body is not JSON: Expecting value at line 1, column 21.",
    ),
    "two values": (b"{} {}", "The body is not JSON: Extra data at line 1, column 4."),
    "a form": (
        b"a=1&b=2",
        "The body is not JSON: Expecting value at line 1, column 1.",
    ),
}


@pytest.mark.parametrize(("body", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_what_cannot_be_trusted_and_says_where(body: bytes, said: str) -> None:
    with pytest.raises(InvalidJson) as refusal:
        read_json(body)

    assert str(refusal.value) == said
    assert refusal.value.code == "connectors.invalid_body"


def test_a_byte_order_mark_is_refused() -> None:
    with pytest.raises(InvalidJson, match=r"^The body is not JSON: Unexpected UTF-8 BOM"):
        read_json(b"\xef\xbb\xbf{}")


def test_keeps_every_digit_of_a_number() -> None:
    value = read_json(b'{"total": 0.10, "id": 820982911946154508123, "rate": 1E-2}')

    assert value == {
        "total": Decimal("0.10"),
        "id": 820982911946154508123,
        "rate": Decimal("0.01"),
    }
    assert str(value["total"]) == "0.10"


def test_takes_64_levels() -> None:
    value = read_json(b"[" * 64 + b"]" * 64)

    depth = 0
    while value:
        value, depth = value[0], depth + 1
    assert depth == 63


def test_brackets_inside_text_are_no_levels() -> None:
    text = '["{[' + '\\"' * 10 + "[" * 500 + '"]'

    assert read_json(text.encode()) == ["{[" + '"' * 10 + "[" * 500]


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert read_json(b'"\\ud83d\\ude00"') == "😀"


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * 70 + b'"' + b'\\"' * 200_000,
        b"[" + b"[]," * 70 + b'"' + b"\\" * 200_001,
        b"[" + b"[]," * 70 + b'"a",' * 100_000 + b'"',
    ],
    ids=["escaped quotes without an end", "backslashes without an end", "an open text at the end"],
)
def test_a_text_that_never_ends_costs_no_more_than_its_length(body: bytes) -> None:
    began = time.thread_time()

    with pytest.raises(InvalidJson):
        read_json(body)

    assert time.thread_time() - began < 1.0


@given(st.binary(max_size=400))
def test_never_fails_in_another_way(body: bytes) -> None:
    try:
        read_json(body)
    except InvalidJson as refusal:
        assert str(refusal)  # noqa: PT017


@given(st.text(alphabet='{}[]":,\\u0e1.-d8 ntfa', max_size=80))
def test_never_fails_in_another_way_on_almost_json(text: str) -> None:
    try:
        read_json(text.encode())
    except InvalidJson as refusal:
        assert str(refusal)  # noqa: PT017
