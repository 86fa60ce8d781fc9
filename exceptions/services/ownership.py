"""Which team has it? The newest version of the rules decides, says why, and who else matched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exceptions.models import Assignment, ExceptionCase, RuleSet, Team
from exceptions.routing import Facts, Rule, Verdict, decide, from_json
from exceptions.services.facts import facts_of

NAMED = "Named by what expected it"


@dataclass(frozen=True)
class Rules:
    """A version of the rules, ready to decide by. Number 0: nothing was ever applied."""

    number: int
    rules: tuple[Rule, ...]

    def verdict(self, facts: Facts) -> Verdict:
        """What these rules say of `facts`."""
        return decide(self.rules, facts)


def current_rules() -> Rules:
    """The newest version that was applied."""
    newest = RuleSet.objects.order_by("-number").first()
    return Rules(newest.number, tuple(from_json(newest.rules))) if newest else Rules(0, ())


def route(
    case: ExceptionCase, *, now: datetime, rules: Rules | None = None, team: Team | None = None
) -> Assignment:
    """Write on a case in hand the team that the rules choose for it, or pin it to a given one.

    Returns the record of it, to be saved after the case if the decision is news.
    """
    rules = rules or current_rules()
    case.rules_version = rules.number
    case.ladder_at = None if case.paused_at else now
    if team is not None:
        case.team, case.team_reason, case.is_pinned = team, NAMED, True
        return _assignment(case, {"rule": NAMED, "lost": []}, now)
    facts = facts_of(case)
    verdict = rules.verdict(facts)
    case.team_id, case.team_reason = verdict.team, verdict.reason[:300]
    return _assignment(case, explain(verdict, facts), now)


def _assignment(case: ExceptionCase, explanation: dict[str, Any], now: datetime) -> Assignment:
    return Assignment(
        case=case,
        how=Assignment.How.RULE,
        team_id=case.team_id,
        person_id=case.owner_id,
        rules_version=case.rules_version,
        explanation=explanation,
        at=now,
    )


def explain(verdict: Verdict, facts: Facts) -> dict[str, Any]:
    """The facts that were asked, the rule that decided, and those that matched and lost."""
    asked = vars(facts) | {"value": f"{facts.value:f}" if facts.value is not None else ""}
    return {
        "facts": {name: value for name, value in asked.items() if value},
        "rule": verdict.rule.text if verdict.rule else "",
        "lost": [rule.text for rule in verdict.lost],
    }
