"""The sum that every page, answer and publication uses: it never says more than there is."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from inventory.availability import (
    Arrival,
    Availability,
    Fallback,
    Knob,
    NodeStock,
    NodeSums,
    Place,
    Rule,
    RuleBook,
    Silence,
    available_to_sell,
)

AT = datetime(2026, 11, 25, 14, 3, tzinfo=UTC)
SHOP = Place(item_id=1, category="mugs", channel_id=7)
BERLIN = NodeStock(1, "BERLIN", on_hand=12, reserved=2)
HAMBURG = NodeStock(2, "HAMBURG", on_hand=3, reserved=1, allocated=1)


def ask(*rules: Rule, nodes: tuple[NodeStock, ...] = (BERLIN, HAMBURG)) -> Availability:
    return available_to_sell(nodes, RuleBook(rules), SHOP, at=AT)


def test_says_each_line_of_the_sum() -> None:
    told = ask(
        Rule(1, Knob.SAFETY_STOCK, 2, location_id=1, note="returns desk"),
        Rule(2, Knob.BUFFER, 1, channel_id=7),
    )

    assert told.quantity == 8
    assert [(s.label, s.change, s.after, s.why) for s in told.nodes[0].steps] == [
        ("On hand", 12, 12, ""),
        ("Promised", -2, 10, ""),
        ("Safety stock", -2, 8, "returns desk"),
    ]
    assert [(s.label, s.change, s.after) for s in told.steps] == [
        ("All nodes", 9, 9),
        ("Channel buffer", -1, 8),
    ]
    assert told.listed == {"BERLIN": 8, "HAMBURG": 0}


def test_share_end_when_and_max_listed_come_in_this_order() -> None:
    half = Rule(1, Knob.SHARE, 50)

    assert ask(half).quantity == 5
    assert ask(half, Rule(2, Knob.END_WHEN, 5)).quantity == 0
    assert ask(half, Rule(2, Knob.END_WHEN, 4)).quantity == 5
    assert ask(half, Rule(2, Knob.MAX_LISTED, 3)).quantity == 3


def test_counts_what_arrives_within_the_horizon() -> None:
    soon, late = AT + timedelta(hours=5), AT + timedelta(hours=50)
    coming = NodeStock(1, "BERLIN", 0, arrivals=(Arrival(4, soon), Arrival(9, late)))

    assert ask(nodes=(coming,)).quantity == 0
    assert ask(Rule(1, Knob.HORIZON, 24), nodes=(coming,)).quantity == 4
    assert ask(Rule(1, Knob.HORIZON, 72), nodes=(coming,)).quantity == 13


def test_a_silent_node_counts_as_its_fallback_says() -> None:
    def silent(fallback: Fallback, percent: int = 100) -> int:
        silence = Silence(AT, fallback, percent)
        return ask(nodes=(NodeStock(1, "BERLIN", 9, silence=silence),)).quantity

    assert silent(Fallback.HOLD) == 9
    assert silent(Fallback.SHARE, 50) == 4
    assert silent(Fallback.STOP) == 0


def test_the_most_specific_rule_wins_and_the_newest_of_equals() -> None:
    everywhere = Rule(9, Knob.BUFFER, 1)
    at_channel = Rule(1, Knob.BUFFER, 2, channel_id=7)
    of_category = Rule(2, Knob.BUFFER, 3, category="mugs")
    of_item = Rule(3, Knob.BUFFER, 4, item_id=1)
    of_item_again = Rule(4, Knob.BUFFER, 5, item_id=1)
    elsewhere = Rule(5, Knob.BUFFER, 6, item_id=2)
    book = RuleBook([everywhere, of_item, at_channel, elsewhere, of_item_again, of_category])

    assert book.winner(Knob.BUFFER, SHOP) == of_item_again
    assert book.losers(Knob.BUFFER, SHOP) == [of_item, of_category, at_channel, everywhere]
    assert book.winner(Knob.SHARE, SHOP) is None


units = st.integers(0, 50)
node_stocks = st.lists(
    st.builds(
        NodeStock,
        st.integers(1, 3),
        st.sampled_from(["A", "B", "C"]),
        st.integers(-20, 100),
        units,
        units,
        st.lists(st.builds(Arrival, units, st.just(AT)), max_size=2),
        st.none() | st.builds(Silence, st.just(AT), st.sampled_from(Fallback), st.integers(0, 100)),
    ),
    max_size=4,
    unique_by=lambda node: node.code,
)
rules = st.lists(
    st.builds(
        Rule,
        st.integers(1, 99),
        st.sampled_from(Knob),
        st.integers(0, 100),
        channel_id=st.sampled_from([None, 7, 8]),
    ),
    max_size=6,
)


@given(node_stocks, rules)
def test_the_lines_give_the_number_and_the_nodes_give_the_total(
    nodes: list[NodeStock], book: list[Rule]
) -> None:
    told = ask(*book, nodes=tuple(nodes))

    for steps, number in [(n.steps, n.quantity) for n in told.nodes] + [
        (told.steps, told.quantity)
    ]:
        assert steps[0].change == steps[0].after
        assert all(b.after == a.after + b.change for a, b in itertools.pairwise(steps))
        assert steps[-1].after == number >= 0
    assert sum(told.listed.values()) == told.quantity <= sum(n.quantity for n in told.nodes)
    assert all(told.listed[n.code] <= n.quantity for n in told.nodes)


@given(node_stocks, rules, rules)
def test_the_order_of_the_rows_does_not_matter(
    nodes: list[NodeStock], book: list[Rule], more: list[Rule]
) -> None:
    rows = list({rule.id: rule for rule in book + more}.values())

    assert ask(*rows, nodes=tuple(nodes)) == ask(*reversed(rows), nodes=tuple(nodes))


@given(node_stocks, rules)
def test_channels_asked_together_get_what_each_gets_alone(
    nodes: list[NodeStock], book: list[Rule]
) -> None:
    by_rule = RuleBook({rule.id: rule for rule in book}.values())
    known: NodeSums = {}

    for channel_id in (7, 8, None):
        place = Place(1, "mugs", channel_id)
        together = available_to_sell(nodes, by_rule, place, at=AT, known=known)
        assert together == available_to_sell(nodes, by_rule, place, at=AT)
