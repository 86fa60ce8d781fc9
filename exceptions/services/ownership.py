"""Which team has it? The last matching row of the table wins, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exceptions.models import OwnershipRule, Team


@dataclass(frozen=True)
class Assignment:
    """The team and the row that chose it, in words."""

    team: Team | None
    reason: str


def team_for(*, connection_id: int | None, code: str) -> Assignment:
    """The team for a case with these facts. The same facts and rules always give the same team."""
    rules = OwnershipRule.objects.filter(is_active=True).select_related("team", "connection")
    return choose(list(rules.order_by("position", "pk")), connection_id=connection_id, code=code)


def choose(rules: Sequence[OwnershipRule], *, connection_id: int | None, code: str) -> Assignment:
    """The same for rules in hand, in their order."""
    for rule in reversed(rules):
        if rule.connection_id not in {None, connection_id}:
            continue
        if code.startswith(rule.code_prefix):
            return Assignment(rule.team, f"Rule {rule}")
    return Assignment(None, "No rule matches")
