"""Which team has it? Pure: the same facts and the same rules always give the same verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What rules may ask about. Tags and places in lower case; `value` in `currency`."""

    code: str
    connection: int | None = None
    system: str = ""
    node: str = ""
    country: str = ""
    region: str = ""
    value: Decimal | None = None
    currency: str = ""
    order_tags: tuple[str, ...] = ()
    customer_tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One row of a version, with its text as it read then. Empty fields match anything."""

    text: str
    team: int
    connection: int | None = None
    system: str = ""
    node: str = ""
    code_prefix: str = ""
    country: str = ""
    region: str = ""
    currency: str = ""
    value_from: Decimal | None = None
    value_below: Decimal | None = None
    order_tag: str = ""
    customer_tag: str = ""

    def matches(self, facts: Facts) -> bool:
        """True when every field that is not empty is true of `facts`."""
        return all(is_true(self, facts) for is_true in _CONDITIONS)


_CONDITIONS: tuple[Callable[[Rule, Facts], bool], ...] = (
    lambda rule, facts: rule.connection in {None, facts.connection},
    lambda rule, facts: rule.system in {"", facts.system},
    lambda rule, facts: rule.node in {"", facts.node},
    lambda rule, facts: facts.code.startswith(rule.code_prefix),
    lambda rule, facts: rule.country in {"", facts.country},
    lambda rule, facts: rule.region in {"", facts.region},
    lambda rule, facts: rule.currency in {"", facts.currency},
    lambda rule, facts: (
        rule.value_from is None or (facts.value is not None and facts.value >= rule.value_from)
    ),
    lambda rule, facts: (
        rule.value_below is None or (facts.value is not None and facts.value < rule.value_below)
    ),
    lambda rule, facts: not rule.order_tag or rule.order_tag in facts.order_tags,
    lambda rule, facts: not rule.customer_tag or rule.customer_tag in facts.customer_tags,
)


@dataclass(frozen=True)
class Verdict:
    """The rule that decided, if any, and the others that match, the nearest loser first."""

    rule: Rule | None = None
    lost: tuple[Rule, ...] = ()

    @property
    def team(self) -> int | None:
        """The team's id; None for nobody's."""
        return self.rule.team if self.rule else None

    @property
    def reason(self) -> str:
        """The rule's text."""
        return f"Rule {self.rule.text}" if self.rule else "No rule matches"


def decide(rules: Sequence[Rule], facts: Facts) -> Verdict:
    """The last rule in order that matches."""
    matching = [rule for rule in reversed(rules) if rule.matches(facts)]
    return Verdict(matching[0], tuple(matching[1:])) if matching else Verdict()


_AMOUNTS = ("value_from", "value_below")


def to_json(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """As a version stores them: without what is empty, amounts as text."""
    return [
        {
            name: str(value) if name in _AMOUNTS else value
            for name, value in vars(rule).items()
            if value not in {None, ""}
        }
        for rule in rules
    ]


def from_json(stored: Iterable[Mapping[str, Any]]) -> list[Rule]:
    """The other way round."""
    return [Rule(**_read(row)) for row in stored]


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Decimal(v) if name in _AMOUNTS else v for name, v in row.items()}
