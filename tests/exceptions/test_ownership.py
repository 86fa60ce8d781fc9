"""Which team has it: the last matching row, and the same facts always give the same team."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.models import Connection
from exceptions.models import ExceptionCase, Team
from exceptions.moves import Move, condition_of, moves_under
from exceptions.routing import Facts, Rule, decide, from_json, to_json
from exceptions.services.ownership import explain
from orders.models import Customer, FulfillmentOrder
from tests.conftest import PlaceOrder, Stock
from tests.exceptions.conftest import OpenCase

CODES = ["connectors.mapping_missing", "connectors.rejected", "inventory.overdrawn", "orders.x"]
PREFIXES = ["", "connectors.", "connectors.mapping_missing", "inventory.", "orders.x.y"]
AMOUNTS = [None, Decimal("0"), Decimal("99.99"), Decimal("100"), Decimal("2500.5")]
TAGS = ["vip", "b2b", "gift"]


def some(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(["", "", *values])


facts = st.builds(
    Facts,
    code=st.sampled_from(CODES),
    connection=st.none(),
    system=some("shopify", "netsuite"),
    node=some("BERLIN", "HAMBURG"),
    country=some("de", "at"),
    region=some("by", "wien"),
    value=st.sampled_from(AMOUNTS),
    currency=some("EUR", "USD"),
    order_tags=st.lists(st.sampled_from(TAGS), unique=True).map(tuple),
    customer_tags=st.lists(st.sampled_from(TAGS), unique=True).map(tuple),
)


rules = st.builds(
    Rule,
    text=st.sampled_from(["one", "two", "three"]),
    team=st.integers(1, 3),
    connection=st.sampled_from([None, None, None, 1]),
    system=some("shopify", "netsuite"),
    node=some("BERLIN"),
    code_prefix=st.sampled_from(PREFIXES),
    country=some("de"),
    region=some("by"),
    currency=some("EUR"),
    value_from=st.sampled_from([None, None, *AMOUNTS]),
    value_below=st.sampled_from([None, None, *AMOUNTS]),
    order_tag=some(*TAGS),
    customer_tag=some(*TAGS),
)
tables = st.lists(rules, max_size=6)


@given(tables, facts)
def test_the_last_row_that_matches_decides_and_the_others_are_named(
    table: list[Rule], of: Facts
) -> None:
    matching = [rule for rule in table if rule.matches(of)]

    verdict = decide(table, of)

    assert verdict.team == (matching[-1].team if matching else None)
    assert list(verdict.lost) == matching[-2::-1]
    assert decide(table, of) == verdict
    assert explain(decide(table, of), of) == explain(verdict, of)


@given(tables, facts)
def test_a_version_decides_for_ever_as_it_did_when_it_was_written(
    table: list[Rule], of: Facts
) -> None:
    frozen = from_json(to_json(table))

    assert frozen == table
    assert decide(frozen, of) == decide(table, of)


ANYTHING = Rule(text="anything", team=1)
OF_A_VIP = Facts(
    code="orders.node_short",
    connection=7,
    system="shopify",
    node="BERLIN",
    country="de",
    region="by",
    value=Decimal("100.00"),
    currency="EUR",
    order_tags=("gift",),
    customer_tags=("vip",),
)


@pytest.mark.parametrize(
    ("column", "true", "false"),
    [
        ("connection", 7, 8),
        ("system", "shopify", "netsuite"),
        ("node", "BERLIN", "HAMBURG"),
        ("code_prefix", "orders.", "inventory."),
        ("country", "de", "at"),
        ("region", "by", "be"),
        ("currency", "EUR", "USD"),
        ("value_from", Decimal("100"), Decimal("100.01")),
        ("value_below", Decimal("100.01"), Decimal("100")),
        ("order_tag", "gift", "vip"),
        ("customer_tag", "vip", "gift"),
    ],
)
def test_each_column_asks_for_one_fact(column: str, true: object, false: object) -> None:
    assert replace(ANYTHING, **{column: true}).matches(OF_A_VIP)  # type: ignore[arg-type]
    assert not replace(ANYTHING, **{column: false}).matches(OF_A_VIP)  # type: ignore[arg-type]


def test_a_row_about_amounts_never_decides_for_what_has_none() -> None:
    nothing = replace(OF_A_VIP, value=None)

    assert not replace(ANYTHING, value_from=Decimal(0)).matches(nothing)
    assert not replace(ANYTHING, value_below=Decimal(1_000_000)).matches(nothing)


@pytest.mark.django_db
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(table=tables, of=facts)
def test_the_database_says_of_every_case_what_the_plain_rules_say(
    problem: OpenCase, table: list[Rule], of: Facts
) -> None:
    if not Team.objects.exists():
        Team.objects.bulk_create([Team(pk=n, slug=f"t{n}", name=f"Team {n}") for n in (1, 2, 3)])
    case = ExceptionCase.objects.first() or problem()
    kept = {
        name: value
        for name, value in vars(of).items()
        if name not in {"code", "connection", "value", "currency"} and value
    }
    rows = ExceptionCase.objects.filter(pk=case.pk)
    rows.update(
        code=of.code, connection=None, value=of.value, currency=of.currency, facts=kept, team=None
    )

    for rule in table:
        assert rows.filter(condition_of(rule)).exists() == rule.matches(of), rule
    team = decide(table, of).team
    expected = [Move("", f"Team {team}", 1)] if team else []
    assert moves_under(table) == expected


def test_a_case_knows_what_is_asked_of_it(
    place: PlaceOrder, stock: Stock, problem: OpenCase, shop: Connection
) -> None:
    stock("MUG", 5)
    order = place("1001")
    order.ship_to, order.tags = {"country_code": "AT", "region": "Wien"}, ["Gift", "gift "]
    order.customer = Customer.objects.create(channel=order.channel, external_id="7", tags=["VIP"])
    order.save()
    node = FulfillmentOrder.objects.get(order=order).location

    case = problem("orders.node_short", order_id=order.pk, value=Decimal("10"), currency="EUR")

    assert case.facts == {
        "system": "shopify",
        "node": node.code,
        "country": "at",
        "region": "wien",
        "order_tags": ["gift"],
        "customer_tags": ["vip"],
    }
