"""Pages of things: GraphQL connections with cursors, and the search words Shopify understands."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from graphql import GraphQLError

from retailhub.sandbox.clock import parse_stamp

MAX_PAGE: Final = 250
_TERM: Final = re.compile(r"(\w+):\s*(>=|<=|>|<)?\s*('[^']*'|\"[^\"]*\"|[^\s()]+)")
_DATED: Final = frozenset({"updated_at", "created_at", "processed_at"})
_NUMBERED: Final = frozenset({"id"})
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "": lambda a, b: a == b,
}

Row = dict[str, Any]


def connection(
    rows: Sequence[Any], first: int | None, after: str | None, key: Callable[[Any], Any]
) -> Row:
    """One page of rows that are already in order. `key` must be unique and survive JSON."""
    if first is None:
        raise GraphQLError("you must provide one of first or last", extensions=_bad_request())
    if not 0 < first <= MAX_PAGE:
        message = f"first must be between 1 and {MAX_PAGE}."
        raise GraphQLError(message, extensions=_bad_request())
    start = _start(rows, after, key) if after else 0
    page = rows[start : start + first]
    edges = [{"cursor": _cursor(key(row)), "node": row} for row in page]
    return {
        "edges": edges,
        "nodes": page,
        "pageInfo": {
            "endCursor": edges[-1]["cursor"] if edges else None,
            "hasNextPage": start + first < len(rows),
            "hasPreviousPage": start > 0,
            "startCursor": edges[0]["cursor"] if edges else None,
        },
    }


def matches(order: Row, search: str) -> bool:
    """Whether an order fits a search. A word that is not known filters nothing, as with Shopify."""
    return all(_fits(order, *term) for term in _TERM.findall(search))


def _fits(order: Row, name: str, comparison: str, value: str) -> bool:
    value = value.strip("'\"")
    if name in _DATED:
        return _COMPARE[comparison](parse_stamp(order[name]), _moment(value))
    if name in _NUMBERED:
        return value.isdigit() and _COMPARE[comparison](order[name], int(value))
    if name == "status":
        return _has_status(order, value)
    if name in ("name", "email", "financial_status"):
        return bool(str(order[name] or "").lower().lstrip("#") == value.lower().lstrip("#"))
    return bool(order["test"] == (value == "true")) if name == "test" else True


def _has_status(order: Row, value: str) -> bool:
    is_open = not order["cancelled_at"] and not order["closed_at"]
    return {"open": is_open, "cancelled": bool(order["cancelled_at"]), "not_closed": is_open}.get(
        value, True
    )


def _moment(text: str) -> datetime:
    try:
        return parse_stamp(text)
    except ValueError as error:
        message = f"Invalid timestamp for query filter: {text}"
        raise GraphQLError(message, extensions=_bad_request()) from error


def _cursor(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def _start(rows: Sequence[Any], after: str, key: Callable[[Any], Any]) -> int:
    """The first row behind the cursor, even when the row it was made from has moved away."""
    try:
        last = json.loads(base64.b64decode(after, validate=True))
    except ValueError as error:
        raise GraphQLError("Invalid cursor for current pagination sort.") from error
    keys = [json.loads(json.dumps(key(row))) for row in rows]
    if last in keys:
        return keys.index(last) + 1
    is_falling = len(keys) > 1 and keys[0] > keys[-1]
    return sum(1 for value in keys if (value >= last if is_falling else value <= last))


def _bad_request() -> dict[str, Any]:
    return {"code": "BAD_REQUEST"}
