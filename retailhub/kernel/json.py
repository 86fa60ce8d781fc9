"""Is this really the JSON it claims to be? One strict reader for everything from outside.

Refuses what Python's own reader lets through and a database or a vendor does not: NaN and infinity,
duplicate keys, lone surrogates, NUL, depth bombs. Decimals keep every digit; no float is made.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any

from retailhub.kernel.errors import NeedsOperator

MAX_DEPTH = 64
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_A_BRACKET = bytes(set(range(256)) - _STEPS.keys())
_BAD_TEXT = re.compile("[\x00\ud800-\udfff]")


class InvalidJson(NeedsOperator):
    """The body is not JSON that can be trusted. The message names what is wrong and where."""

    code = "connectors.invalid_body"


def read_json(body: bytes) -> Any:
    """The value in `body`, numbers with a fraction as `Decimal`.

    Raises `InvalidJson` when it is malformed, ambiguous, or deeper than 64 levels.
    """
    _refuse_depth(body)
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_float=_finite,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except UnicodeDecodeError as error:
        raise InvalidJson(f"The body is not UTF-8 text (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise InvalidJson(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except ValueError as error:  # an integer of thousands of digits
        raise InvalidJson("The body holds a number too long to be read.") from error
    if b"\\u" in body:
        _refuse_bad_text(value, "")
    return value


def _refuse_depth(body: bytes) -> None:
    # Counted before parsing: the parser's own recursion would end the process' patience first.
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    # Texts begin and end with a quote, so every second piece lies outside of them.
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"") if b"\\" in body else body
    marks = b"".join(bare.split(b'"')[::2]).translate(None, _NOT_A_BRACKET)
    if max(accumulate(map(_STEPS.__getitem__, marks)), default=0) > MAX_DEPTH:
        raise InvalidJson(f"The body nests deeper than {MAX_DEPTH} levels.")


def _finite(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent that Decimal itself can't hold
        number = Decimal("Infinity")
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise InvalidJson(f"The number {text[:20]} is out of range.")
    return number


def _refuse_constant(name: str) -> None:
    raise InvalidJson(f"The body holds {name}, which is not a number in JSON.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise InvalidJson(f"The field {key[:60]!r} is there twice; which one counts?")
        seen.add(key)
    return result


def _refuse_bad_text(value: Any, path: str) -> None:
    if isinstance(value, str):
        if _BAD_TEXT.search(value):
            raise InvalidJson(f"The text at {path or 'the top'} holds a broken character.")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_bad_text(key, path)
            _refuse_bad_text(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_bad_text(item, f"{path}[{index}]")


def write_json(value: Any, *, indent: int = 0, level: int = 0) -> str:
    """`value` as JSON text, every digit of a `Decimal` kept; on several lines with an `indent`."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = "\n" + " " * indent * (level + 1) if indent else ""
    outer = "\n" + " " * indent * level if indent else ""
    parts = (
        [
            f"{json.dumps(key, ensure_ascii=False)}: "
            f"{write_json(item, indent=indent, level=level + 1)}"
            for key, item in value.items()
        ]
        if isinstance(value, dict)
        else [write_json(item, indent=indent, level=level + 1) for item in value]
    )
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + inner + f",{inner or ' '}".join(parts) + outer + closing
