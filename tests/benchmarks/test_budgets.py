"""A budget is met up to what it allows, and the last line names what is over."""

from __future__ import annotations

import json

from benchmarks.budgets import Budget, Verdict


def test_a_line_says_what_was_measured_and_whether_it_is_met() -> None:
    line = Budget(1, "cold /queue/, CSS", 9.5494, 15, "kB").line()

    assert json.loads(line) == {
        "item": 1,
        "what": "cold /queue/, CSS",
        "measured": 9.5494,
        "budget": 15,
        "unit": "kB",
        "ratio": 0.637,
        "is_met": True,
    }


def test_of_nothing_allowed_there_is_no_share_and_nothing_meets_it() -> None:
    none = Budget(9, "failed requests", 0, 0, "requests")
    one = Budget(9, "failed requests", 1, 0, "requests")

    assert (none.is_met, one.is_met) == (True, False)
    assert json.loads(one.line())["ratio"] is None


def test_exactly_the_budget_is_met_and_only_what_is_over_is_named() -> None:
    exact = Budget(1, "requests", 8, 8, "requests")
    over = Budget(3, "first byte, p95", 200.5, 200, "ms")

    assert json.loads(Verdict("pages", [exact, over], load=1.25).line()) == {
        "name": "pages",
        "met": 1,
        "over": ["3 first byte, p95: 200.5 ms, may be 200"],
        "load": 1.25,
    }
