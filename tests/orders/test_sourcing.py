"""Which node sends what: the first that has it all, else split by priority; never too much."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.sourcing import Need, Node, Take, choose_nodes

BERLIN, HAMBURG, MUNICH = Node(1, "BERLIN", 1), Node(2, "HAMBURG", 2), Node(3, "MUNICH", 3)
NODES = [MUNICH, HAMBURG, BERLIN]  # in no particular order
MUG, PLATE = 10, 20


def need(reference: str, item: int, quantity: int) -> Need:
    return Need(reference, item, {MUG: "MUG", PLATE: "PLATE"}[item], quantity)


CASES = {
    "the first by priority has it all": (
        [need("a", MUG, 2)],
        {(MUG, 1): 2, (MUG, 2): 9},
        [Take("a", 1, 2)],
        {},
        ["BERLIN has everything and comes first by priority."],
    ),
    "a later one has it all, so nothing is split": (
        [need("a", MUG, 2), need("b", PLATE, 1)],
        {(MUG, 1): 2, (MUG, 2): 2, (PLATE, 2): 1},
        [Take("a", 2, 2), Take("b", 2, 1)],
        {},
        ["BERLIN lacks 1 × PLATE.", "HAMBURG has everything and comes first by priority."],
    ),
    "no node has it all": (
        [need("a", MUG, 3), need("b", PLATE, 1)],
        {(MUG, 1): 2, (MUG, 2): 2, (PLATE, 3): 1},
        [Take("a", 1, 2), Take("a", 2, 1), Take("b", 3, 1)],
        {},
        [
            "BERLIN lacks 1 × MUG, 1 × PLATE.",
            "HAMBURG lacks 1 × MUG, 1 × PLATE.",
            "MUNICH lacks 3 × MUG.",
            "No node has everything, so the order is split.",
            "2 × MUG from BERLIN.",
            "1 × MUG from HAMBURG.",
            "1 × PLATE from MUNICH.",
        ],
    ),
    "two lines want the same thing": (
        [need("a", MUG, 2), need("b", MUG, 2)],
        {(MUG, 1): 3, (MUG, 2): 1},
        [Take("a", 1, 2), Take("b", 1, 1), Take("b", 2, 1)],
        {},
        [
            "BERLIN lacks 1 × MUG.",
            "HAMBURG lacks 3 × MUG.",
            "MUNICH lacks 4 × MUG.",
            "No node has everything, so the order is split.",
            "2 × MUG from BERLIN.",
            "1 × MUG from BERLIN.",
            "1 × MUG from HAMBURG.",
        ],
    ),
    "all together are short": (
        [need("a", MUG, 5), need("b", PLATE, 1)],
        {(MUG, 1): 2, (MUG, 2): 1, (PLATE, 1): 1},
        [],
        {"MUG": 2},
        [
            "BERLIN lacks 3 × MUG.",
            "HAMBURG lacks 4 × MUG, 1 × PLATE.",
            "MUNICH lacks 5 × MUG, 1 × PLATE.",
            "2 × MUG from BERLIN.",
            "1 × MUG from HAMBURG.",
            "1 × PLATE from BERLIN.",
            "All nodes together lack 2 × MUG.",
        ],
    ),
    "a node that owes more than it has gives nothing": (
        [need("a", MUG, 1)],
        {(MUG, 1): -4, (MUG, 2): 1},
        [Take("a", 2, 1)],
        {},
        ["BERLIN lacks 1 × MUG.", "HAMBURG has everything and comes first by priority."],
    ),
    "nothing is wanted": ([], {(MUG, 1): 1}, [], {}, []),
}


@pytest.mark.parametrize(
    ("needs", "available", "takes", "short", "reasons"), CASES.values(), ids=CASES.keys()
)
def test_chooses_and_says_why(
    needs: list[Need],
    available: dict[tuple[int, int], int],
    takes: list[Take],
    short: dict[str, int],
    reasons: list[str],
) -> None:
    decision = choose_nodes(needs, NODES, available)

    assert decision.takes == takes
    assert decision.short == short
    assert decision.reasons == reasons
    assert decision.is_complete == (not short)


def test_without_any_node_everything_is_short() -> None:
    decision = choose_nodes([need("a", MUG, 1)], [], {(MUG, 1): 5})

    assert (decision.takes, decision.short) == ([], {"MUG": 1})


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Need], list[Node], dict[tuple[int, int], int]]:
    nodes = [Node(n, f"N{n}", draw(st.integers(1, 3))) for n in range(draw(st.integers(0, 4)))]
    items = [MUG, PLATE]
    needs = [
        need(str(n), draw(st.sampled_from(items)), draw(st.integers(1, 5)))
        for n in range(draw(st.integers(0, 4)))
    ]
    places = [(item, node.location_id) for item in items for node in nodes]
    available = {place: draw(st.integers(-2, 6)) for place in places if draw(st.booleans())}
    return needs, nodes, available


@given(situations())
def test_never_takes_what_is_not_there_and_is_complete_when_there_is_enough(
    situation: tuple[list[Need], list[Node], dict[tuple[int, int], int]],
) -> None:
    needs, nodes, available = situation
    asked: dict[int, int] = defaultdict(int)
    for one in needs:
        asked[one.item_id] += one.quantity
    there: dict[int, int] = defaultdict(int)
    for (item, _), units in available.items():
        there[item] += max(units, 0)

    decision = choose_nodes(needs, nodes, available)

    item_of = {one.reference: one.item_id for one in needs}
    taken: dict[tuple[int, int], int] = defaultdict(int)
    per_need: dict[str, int] = defaultdict(int)
    for take in decision.takes:
        assert take.quantity > 0
        taken[item_of[take.reference], take.location_id] += take.quantity
        per_need[take.reference] += take.quantity
    assert all(units <= max(available.get(place, 0), 0) for place, units in taken.items())
    assert decision.is_complete == all(there[item] >= units for item, units in asked.items())
    if decision.is_complete:
        assert per_need == {one.reference: one.quantity for one in needs}
    else:
        assert decision.takes == []
        missing = {MUG: "MUG", PLATE: "PLATE"}
        assert decision.short == {
            missing[item]: units - there[item]
            for item, units in asked.items()
            if units > there[item]
        }


@given(situations())
def test_one_node_sends_it_all_when_one_can(
    situation: tuple[list[Need], list[Node], dict[tuple[int, int], int]],
) -> None:
    needs, nodes, available = situation
    asked: dict[int, int] = defaultdict(int)
    for one in needs:
        asked[one.item_id] += one.quantity
    able = [
        node
        for node in sorted(nodes, key=lambda node: (node.priority, node.code))
        if all(available.get((item, node.location_id), 0) >= n for item, n in asked.items())
    ]

    decision = choose_nodes(needs, nodes, available)

    if able and needs:
        assert {take.location_id for take in decision.takes} == {able[0].location_id}
