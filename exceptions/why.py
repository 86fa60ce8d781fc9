"""Why does this team have the case, and which other rules would have had it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from exceptions.models import Assignment, ExceptionCase


@dataclass(frozen=True)
class Why:
    """Who or what gave the case to its team, and which other rules would have had it."""

    chosen: str
    lost: list[str]
    version: int
    facts: list[tuple[str, str]]
    pinned: str


# The facts that are not on the pane anyway.
_ASKED = {
    "system": "System",
    "node": "Node",
    "country": "Country",
    "region": "Region",
    "order_tags": "Order tags",
    "customer_tags": "Customer tags",
}


def why_of(case: ExceptionCase) -> Why | None:
    """The newest decision about the team of a case; none for cases older than the record."""
    last = case.assignments.exclude(how=Assignment.How.TURN).order_by("-pk").first()
    if last is None:
        return None
    said = last.explanation
    facts = said.get("facts", {})
    return Why(
        chosen=case.team_reason or said.get("rule", ""),
        lost=said.get("lost", []),
        version=last.rules_version,
        facts=[(label, _plain(facts[name])) for name, label in _ASKED.items() if name in facts],
        pinned=_pinned(case),
    )


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _pinned(case: ExceptionCase) -> str:
    if not case.is_pinned:
        return ""
    if case.pinned_until is None:
        return "Pinned: rules leave it here until somebody gives it away."
    return f"Pinned until {timezone.localtime(case.pinned_until):%d %b %H:%M}, then rules decide."
