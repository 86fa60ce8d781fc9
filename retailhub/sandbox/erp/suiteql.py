"""A small part of SuiteQL: SELECT … FROM transaction WHERE comparisons ORDER BY one column."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from retailhub.sandbox.clock import parse_stamp
from retailhub.sandbox.erp.problems import ErpProblem
from retailhub.sandbox.erp.records import TYPES
from retailhub.sandbox.journal import Record

Row = dict[str, Any]

_QUERY: Final = re.compile(
    r"^\s*select\s+(?P<columns>.+?)\s+from\s+transaction(?:\s+where\s+(?P<where>.+?))?"
    r"(?:\s+order\s+by\s+(?P<order>\w+)(?:\s+(?P<way>asc|desc))?)?\s*;?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_COLUMN: Final = re.compile(
    r"^(?:(?P<plain>\w+)|to_char\(\s*(?P<dated>\w+)\s*,\s*'(?P<format>[^']+)'\s*\))"
    r"(?:\s+as\s+(?P<alias>\w+)|\s+(?P<bare>\w+))?$",
    re.IGNORECASE,
)
_TEST: Final = re.compile(
    r"^(?P<column>\w+)\s*(?P<operator>>=|<=|!=|<>|=|>|<|in)\s*(?P<value>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_MOMENT: Final = re.compile(r"^to_(?:timestamp|date)\(\s*'([^']+)'\s*,\s*'([^']+)'\s*\)$", re.I)
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_DATES: Final = frozenset({"lastmodifieddate", "createddate", "trandate"})
# Oracle's date pictures in Python's spelling, the longer ones first.
_PICTURES: Final = (
    ("YYYY", "%Y"),
    ("HH24", "%H"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("MI", "%M"),
    ("SS", "%S"),
    ('"T"', "T"),
    ('"Z"', "Z"),
)
# A date that is not asked for with TO_CHAR comes as a bare day in the account's own format.
_ACCOUNT_DATE: Final = "%m/%d/%Y"


@dataclass(frozen=True)
class Column:
    name: str
    shown_as: str
    format: str = _ACCOUNT_DATE


def run_query(text: str, records: list[Record]) -> list[Row]:
    """The rows a query finds. Raises ErpProblem for what this account cannot read."""
    found = _QUERY.match(text)
    if not found:
        raise _invalid("expected SELECT ... FROM transaction [WHERE ...] [ORDER BY ...]")
    columns = [_column(part) for part in _split_commas(found["columns"])]
    rows = [_row(record) for record in records]
    for test in re.split(r"\s+and\s+", found["where"] or "", flags=re.IGNORECASE):
        rows = _narrow(rows, test) if test else rows
    order = (found["order"] or "id").lower()
    if rows and order not in rows[0]:
        raise _invalid(f"unknown field '{order}'")
    rows.sort(key=lambda row: _sortable(row[order]), reverse=(found["way"] or "").lower() == "desc")
    return [{column.shown_as: _shown(row, column) for column in columns} for row in rows]


def _row(record: Record) -> Row:
    entity = record.get("entity") or {}
    status = (record.get("orderStatus") or record.get("shipStatus") or {}).get("id")
    source = (record.get("createdFrom") or {}).get("id")
    return {
        "id": int(record["id"]),
        "externalid": record.get("externalId"),
        "tranid": record["tranId"],
        "type": TYPES[record["_type"]][0],
        "status": status,
        "entity": entity.get("id"),
        "otherrefnum": record.get("otherRefNum"),
        "memo": record.get("memo"),
        "createdfrom": source,
        "createddate": parse_stamp(record["createdDate"]),
        "trandate": parse_stamp(record["createdDate"]),
        "lastmodifieddate": parse_stamp(record["lastModifiedDate"]),
    }


def _column(text: str) -> Column:
    found = _COLUMN.match(text.strip())
    if not found:
        raise _invalid(f"cannot read the column '{text.strip()}'")
    alias = found["alias"] or found["bare"]
    if found["plain"]:
        return Column(found["plain"].lower(), (alias or found["plain"]).lower())
    return Column(
        found["dated"].lower(), (alias or "expr1").lower(), _python_format(found["format"])
    )


def _narrow(rows: list[Row], test: str) -> list[Row]:
    found = _TEST.match(test.strip())
    if not found:
        raise _invalid(f"cannot read the condition '{test.strip()}'")
    column, value = found["column"].lower(), found["value"].strip()
    if rows and column not in rows[0]:
        raise _invalid(f"unknown field '{column}'")
    if found["operator"].lower() == "in":
        members = [_literal(column, part) for part in _split_commas(value.strip("() "))]
        return [row for row in rows if row[column] in members]
    compare, wanted = _OPERATORS[found["operator"]], _literal(column, value)
    return [row for row in rows if row[column] is not None and compare(row[column], wanted)]


def _literal(column: str, text: str) -> Any:
    text = text.strip()
    moment = _MOMENT.match(text)
    try:
        if moment:
            return parse_stamp(_parsed(moment[1], moment[2]).isoformat())
        if column in _DATES:
            return parse_stamp(_parsed(text.strip("'"), "MM/DD/YYYY").isoformat())
        if column == "id":
            return int(text.strip("'"))
    except ValueError as error:
        raise _invalid(f"invalid literal {text}") from error
    if text.startswith("'") and text.endswith("'"):
        # NetSuite prefixes the status with its type when one asks for it: SalesOrd:B.
        return text[1:-1].replace("''", "'").rsplit(":", 1)[-1 if column == "status" else 0]
    raise _invalid(f"a text must stand in quotes: {text}")


def _parsed(text: str, picture: str) -> datetime:
    return datetime.strptime(text, _python_format(picture))  # noqa: DTZ007  the caller adds UTC


def _python_format(picture: str) -> str:
    for oracle, python in _PICTURES:
        picture = picture.replace(oracle, python)
    return picture


def _shown(row: Row, column: Column) -> str | None:
    if column.name not in row:
        raise _invalid(f"unknown field '{column.name}'")
    value = row[column.name]
    if isinstance(value, datetime):
        return value.strftime(column.format)
    return None if value is None else str(value)


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value)


def _split_commas(text: str) -> list[str]:
    """Split at commas outside of parentheses and quotes."""
    return re.findall(r"(?:[^,('\"]|'[^']*'|\([^)]*\))+", text)


def _invalid(reason: str) -> ErpProblem:
    detail = f"Invalid search query. Detailed unprocessed description follows. {reason}"
    return ErpProblem(400, "INVALID_PARAMETER", detail)
