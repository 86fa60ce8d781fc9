"""What closed such cases before, and what was this one before?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Value

from exceptions.models import CaseEvent, ExceptionCase
from exceptions.models.proof import Proof

MOST = 12
_MISSING = "connectors.mapping_missing"
_CLOSING = ("resolve", "ignore", "resolved")


@dataclass(frozen=True)
class Suggestion:
    """What closed most of the last ones like this, and how many of how many."""

    how: str
    count: int
    of: int
    text: str


def suggestion_of(case: ExceptionCase) -> Suggestion | None:
    """From the newest verified closings of its cause or, when there are none, of its code at this
    connection. None before the first. One query.
    """
    verified = ExceptionCase.objects.filter(proof=Proof.VERIFIED)
    same = verified.filter(cause_id=case.cause_id)
    there: dict[str, Any] = {"code": case.code, "connection_id": case.connection_id}
    like = verified.filter(**there)
    closings = list(_newest(same, is_same=True).union(_newest(like, is_same=False), all=True))
    ways = [way_of(row) for row in closings if row["is_same"]] or [way_of(row) for row in closings]
    if not ways:
        return None
    how, count = Counter(ways).most_common(1)[0]
    text = _in_words(how, count, len(ways), str(case.context.get("table", "")))
    return Suggestion(how, count, len(ways), text)


def _newest(cases: Any, *, is_same: bool) -> Any:
    marked = cases.annotate(is_same=Value(is_same, BooleanField())).order_by("-closed_at")
    return marked.values("code", "resolution", "cure", "is_same")[:MOST]


def way_of(row: Mapping[str, Any]) -> str:
    """What was done: a replay after a correction is the correction."""
    if row["resolution"] == "replay" and row["cure"]:
        return str(row["cure"])
    if row["code"] == _MISSING and row["resolution"] == "by itself":
        return "mapping"  # saved on the page of mappings, or for another case
    return str(row["resolution"])


_CLOSED_BY = {
    "mapping": "mapping the {table}",
    "edit": "correcting the message",
    "replay": "replaying",
    "by hand": "doing it by hand",
    "in source": "correcting it in the source",
}
_ENDED = {
    "by itself": ("went through by itself", "went through by themselves"),
    "not wanted": ("was not wanted any more", "were not wanted any more"),
}


def _in_words(how: str, count: int, of: int, table: str) -> str:
    named = table if table == "SKU" else table.replace("_", " ").lower() or "code"
    by = f"closed by {_CLOSED_BY[how].format(table=named)}" if how in _CLOSED_BY else "closed"
    one, many = _ENDED.get(how, (f"was {by}", f"were {by}"))
    if of == 1:
        return f"The last one like it {one}."
    if count == of:
        return f"All of the last {of} like it {many}."
    return f"{count} of the last {of} like it {one if count == 1 else many}."


def way_in_words(how: str) -> str:
    """The same without numbers: `by replaying`, `went through by themselves`."""
    if how in _CLOSED_BY:
        return f"by {_CLOSED_BY[how].format(table='code')}"
    return _ENDED[how][1] if how in _ENDED else how


@dataclass(frozen=True)
class Earlier:
    """The case about the same thing and cause that was closed before this one was opened."""

    case_id: int
    closed_at: datetime
    said: str
    by: Any  # who closed it, or None


def earlier_of(case: ExceptionCase) -> Earlier | None:
    """How it was closed the last time. One query, none for a case that is new."""
    if case.recurs_id is None:
        return None
    closings = CaseEvent.objects.filter(case=case.recurs_id, verb__in=_CLOSING)
    last = closings.select_related("actor").order_by("-pk").first()
    if last is None:
        return None
    return Earlier(case_id=last.case_id, closed_at=last.at, said=last.text, by=last.actor)


@dataclass(frozen=True)
class Before:
    """What a person should know of the past: what to try first, and what was tried."""

    suggestion: str
    earlier: Earlier | None


def before_of(case: ExceptionCase) -> Before:
    """Both of them; nothing is suggested for what is closed."""
    found = suggestion_of(case) if case.closed_at is None else None
    return Before(found.text if found else "", earlier_of(case))
