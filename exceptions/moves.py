"""Which open cases would other rules give to another team? Asked of the database, in one question.

The same question as `routing.decide`, in SQL: a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from django.db.models import BigIntegerField, Case, Count, F, Q, QuerySet, Value, When

from exceptions.models import ExceptionCase, Team
from exceptions.models.cases import OPEN_STATES
from exceptions.routing import Rule

_ASKS: dict[str, Callable[[Any], Q]] = {
    "connection": lambda value: Q(connection_id=value),
    "system": lambda value: Q(facts__system=value),
    "node": lambda value: Q(facts__node=value),
    "code_prefix": lambda value: Q(code__startswith=value),
    "country": lambda value: Q(facts__country=value),
    "region": lambda value: Q(facts__region=value),
    "currency": lambda value: Q(currency=value),
    "value_from": lambda value: Q(value__gte=value),
    "value_below": lambda value: Q(value__lt=value),
    "order_tag": lambda value: Q(facts__order_tags__contains=[value]),
    "customer_tag": lambda value: Q(facts__customer_tags__contains=[value]),
}
_ANYTHING = Q(pk__isnull=False)


@dataclass(frozen=True)
class Move:
    """So many open cases go from one team to another. Empty names: nobody's."""

    from_team: str
    to_team: str
    cases: int


def moving_cases(rules: Sequence[Rule]) -> QuerySet[ExceptionCase]:
    """Open cases that are not pinned and would be another team's, with its id as `goes_to`."""
    free = ExceptionCase.objects.filter(state__in=OPEN_STATES, is_pinned=False)
    goes_to: Any = _verdict(rules)
    stays = Q(team_id=F("goes_to")) | Q(("team_id", None), ("goes_to", None))
    return free.annotate(goes_to=goes_to).exclude(stays)


def moves_under(rules: Sequence[Rule]) -> list[Move]:
    """How many cases would move between which teams, the most first."""
    moving: QuerySet[Any] = moving_cases(rules)
    pairs = moving.values("team_id", "goes_to").annotate(cases=Count("pk"))
    names = dict(Team.objects.values_list("pk", "name"))
    return [
        Move(names.get(pair["team_id"], ""), names.get(pair["goes_to"], ""), pair["cases"])
        for pair in pairs.order_by("-cases", "team_id", "goes_to")
    ]


def condition_of(rule: Rule) -> Q:
    """What a rule asks, as a filter of cases."""
    asked = ((_ASKS[name], getattr(rule, name)) for name in _ASKS)
    return reduce(and_, (ask(value) for ask, value in asked if value not in {None, ""}), _ANYTHING)


def _verdict(rules: Sequence[Rule]) -> Case | Value:
    nobody = Value(None, output_field=BigIntegerField())
    if not rules:
        return nobody
    whens = [When(condition_of(rule), then=Value(rule.team)) for rule in reversed(rules)]
    return Case(*whens, default=nobody, output_field=BigIntegerField())
