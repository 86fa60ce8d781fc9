"""Rules are a draft until they are applied; then what is open moves, once, and says why."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connectors.models import Connection
from exceptions.errors import VersionStale
from exceptions.lifecycle import CaseState
from exceptions.models import Assignment, CaseEvent, ExceptionCase, OwnershipRule, RuleSet, Team
from exceptions.moves import Move, moves_under
from exceptions.routing import Facts
from exceptions.services.ownership import current_rules
from exceptions.services.rules import apply_rules, draft_rules, key_of, move_to_current_rules
from tests.conftest import PlaceOrder, Stock
from tests.exceptions.conftest import OpenCase, put_in
from tests.racing import at_once


@pytest.fixture
def teams(db: None) -> dict[str, Team]:
    return {name: Team.objects.create(slug=name, name=name.title()) for name in "abc"}


def rule(team: Team, position: int = 10, **columns: Any) -> OwnershipRule:
    return OwnershipRule.objects.create(team=team, position=position, **columns)


def publish_rules(now: datetime) -> int:
    return apply_rules(actor_id=None, now=now).number


def test_reads_the_table_in_its_order_and_leaves_out_what_is_switched_off(
    shop: Connection, erp: Connection, teams: dict[str, Team], now: datetime
) -> None:
    rule(teams["c"], 30, connection=erp)
    rule(teams["a"], 10)
    rule(teams["b"], 20, code_prefix="inventory.")
    rule(teams["c"], 99, is_active=False)
    publish_rules(now)

    def team(connection: Connection, code: str) -> int | None:
        return current_rules().verdict(Facts(code=code, connection=connection.pk)).team

    assert team(shop, "connectors.rejected") == teams["a"].pk
    assert team(shop, "inventory.overdrawn") == teams["b"].pk
    assert team(erp, "inventory.overdrawn") == teams["c"].pk


def test_a_rule_reads_like_a_sentence(teams: dict[str, Team], shop: Connection) -> None:
    row = rule(
        teams["a"],
        connection=shop,
        code_prefix="orders.",
        country="at",
        value_from=Decimal("500"),
        currency="EUR",
        customer_tag="VIP",
    )
    row.refresh_from_db()

    assert str(row) == (
        "10. connection is Shopify DE and code starts with orders. and country is AT"
        " and value is 500 EUR or more and customer is tagged VIP → A"
    )
    assert str(rule(teams["b"], 20)) == "20. anything → B"


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"value_from": 5}, "exceptions_rule_amount_has_a_currency"),
        (
            {"value_from": 5, "value_below": 5, "currency": "EUR"},
            "exceptions_rule_amounts_leave_room",
        ),
    ],
)
def test_amounts_make_sense(teams: dict[str, Team], columns: dict[str, Any], name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        rule(teams["a"], **columns)


def test_a_draft_routes_nothing_until_it_is_applied(
    problem: OpenCase, teams: dict[str, Team], now: datetime
) -> None:
    rule(teams["a"])
    publish_rules(now)
    first = problem()
    rule(teams["b"], 20)

    second = problem("connectors.rejected")

    assert (first.team, second.team) == (teams["a"], teams["a"])
    assert moves_under(draft_rules()) == [Move("A", "B", 2)]
    assert set(ExceptionCase.objects.values_list("team", flat=True)) == {teams["a"].pk}


def test_applying_moves_what_is_open_and_not_pinned_and_says_why(
    problem: OpenCase, ana: User, teams: dict[str, Team], now: datetime
) -> None:
    rule(teams["a"])
    publish_rules(now)
    moved = put_in(problem("inventory.overdrawn"), CaseState.CLAIMED, owner=ana)
    pinned = put_in(problem("inventory.x"), CaseState.NEW, is_pinned=True)
    closed = put_in(problem("inventory.y"), CaseState.RESOLVED)
    other = problem("connectors.rejected")
    rule(teams["b"], 20, code_prefix="inventory.")

    applied = apply_rules(actor_id=ana.pk, now=now, key=key_of(draft_rules()))

    assert (applied.number, applied.moved) == (2, 1)
    moved.refresh_from_db()
    assert (moved.team, moved.owner, moved.state) == (teams["b"], ana, "CLAIMED")
    assert (moved.rules_version, moved.version) == (2, 2)
    event = moved.events.latest("pk")
    assert (event.verb, event.before["team"], event.after["team"]) == (
        "moved",
        teams["a"].pk,
        teams["b"].pk,
    )
    for untouched in (pinned, closed, other):
        untouched.refresh_from_db()
        assert (untouched.team, untouched.version) == (teams["a"], 1)
    assert CaseEvent.objects.filter(verb="moved").count() == 1
    record = Assignment.objects.get(case=moved, rules_version=2)
    assert record.explanation["rule"] == "20. code starts with inventory. → B"
    assert record.explanation["lost"] == ["10. anything → A"]
    assert record.explanation["facts"]["code"] == "inventory.overdrawn"
    assert RuleSet.objects.get(number=2).applied_by == ana


def test_applying_twice_is_the_same_as_once(
    problem: OpenCase, teams: dict[str, Team], now: datetime
) -> None:
    rule(teams["a"])
    publish_rules(now)
    problem()

    assert apply_rules(actor_id=None, now=now).number == 1
    assert RuleSet.objects.count() == 1
    assert CaseEvent.objects.filter(verb="moved").count() == 0


def test_what_was_seen_is_what_is_applied(teams: dict[str, Team], now: datetime) -> None:
    rule(teams["a"])
    seen = key_of(draft_rules())
    rule(teams["b"], 20)

    with pytest.raises(VersionStale, match="changed the rules meanwhile"):
        apply_rules(actor_id=None, now=now, key=seen)

    assert RuleSet.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_who_apply_at_once_make_one_version(
    problem: OpenCase, teams: dict[str, Team], now: datetime
) -> None:
    rule(teams["a"])
    problem()
    key = key_of(draft_rules())

    ends = at_once([partial(apply_rules, actor_id=None, now=now, key=key)] * 2)

    assert [getattr(end, "number", end) for end in ends] == [1, 1]
    assert RuleSet.objects.count() == 1
    assert CaseEvent.objects.filter(verb="moved").count() == 1
    assert ExceptionCase.objects.get().team == teams["a"]


@pytest.mark.django_db(transaction=True)
def test_a_case_somebody_is_at_follows_by_the_clock(
    problem: OpenCase, teams: dict[str, Team], now: datetime
) -> None:
    case = problem()
    rule(teams["a"])

    def hold() -> int:
        with transaction.atomic():
            ExceptionCase.objects.select_for_update().get(pk=case.pk)
            (end,) = at_once([partial(apply_rules, actor_id=None, now=now)])
        return getattr(end, "moved", -1)

    assert hold() == 0
    assert move_to_current_rules(now=now) == 1
    case.refresh_from_db()
    assert case.team == teams["a"]
    assert move_to_current_rules(now=now) == 0


def test_a_trouble_that_became_another_one_goes_to_whom_that_belongs(
    problem: OpenCase, place: PlaceOrder, stock: Stock, teams: dict[str, Team], now: datetime
) -> None:
    stock("MUG", 5)
    order = place("1001")
    rule(teams["a"])
    rule(teams["b"], 20, code_prefix="connectors.rejected")
    publish_rules(now)
    case = put_in(problem("orders.node_short", order_id=order.pk), CaseState.REPLAYING)

    problem("connectors.rejected", order_id=order.pk)

    case.refresh_from_db()
    assert case.team == teams["b"]
    assert [event.verb for event in case.events.order_by("pk")] == [
        "opened",
        "failed again",
        "moved",
    ]
    assert case.assignments.count() == 2


def test_moving_many_asks_the_database_as_often_as_moving_few(
    problem: OpenCase, teams: dict[str, Team], now: datetime
) -> None:
    def count(cases: int) -> int:
        for number in range(cases):
            problem(f"orders.{timezone.now():%f}{number}")
        rule(teams["a"], code_prefix="orders.")
        with CaptureQueriesContext(connection) as queries:
            assert apply_rules(actor_id=None, now=now).moved == cases
        OwnershipRule.objects.all().delete()
        apply_rules(actor_id=None, now=now)
        ExceptionCase.objects.update(state="RESOLVED", closed_at=now)
        return len([q for q in queries if "retailhub_liveevent" not in q["sql"]])

    assert count(3) == count(30)
