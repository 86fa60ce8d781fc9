"""The JSON line has its nine fields, and no ratio is named that the rounds do not agree on."""

from __future__ import annotations

import json

import pytest

from benchmarks.measure import Round, RoundsDisagree, Sample, compare, percentile, report


def _round(ours: float, limit: float = 100.0, peer: float = 10.0) -> Round:
    return {
        "ours": Sample(ours, p50_ms=1.0, p99_ms=2.0, cpu_ms_per_item=0.5),
        "limit": Sample(limit),
        "peer": Sample(peer),
    }


def test_the_line_is_json_with_exactly_the_promised_fields() -> None:
    line = report("ingest", [_round(80), _round(90), _round(85), _round(70), _round(88)]).line()

    assert json.loads(line) == {
        "name": "ingest",
        "ours": 85.0,
        "limit": 100.0,
        "peer": 10.0,
        "ratio_to_limit": 0.85,
        "ratio_to_peer": 8.5,
        "p50_ms": 1.0,
        "p99_ms": 2.0,
        "cpu_ms_per_item": 0.5,
    }


def test_a_round_that_was_slow_for_all_changes_no_ratio() -> None:
    slow = _round(8, limit=10, peer=1)

    assert report("ingest", [slow, *[_round(80)] * 4]).ratio_to_limit == 0.8


def test_no_ratio_is_named_when_rounds_differ_by_more_than_a_factor_of_two() -> None:
    with pytest.raises(RoundsDisagree, match=r"between 0\.30 and 0\.80 of the limit"):
        report("ingest", [*[_round(80)] * 4, _round(30)])


def test_fewer_than_five_rounds_are_no_measurement() -> None:
    with pytest.raises(ValueError, match="5"):
        report("ingest", [_round(80)] * 4)


def test_what_was_not_measured_is_null() -> None:
    rounds = [{**_round(80), "ours": Sample(80)} for _ in range(5)]

    assert json.loads(report("orders", rounds).line())["p99_ms"] is None


def test_everybody_takes_turns_and_the_warm_up_does_not_count() -> None:
    turns: list[str] = []

    def run(name: str) -> Sample:
        turns.append(name)
        return Sample(float(len(turns)))

    kept = compare(
        {"ours": lambda: run("ours"), "limit": lambda: run("limit")}, rounds=2, say=lambda _: None
    )

    assert turns == ["ours", "limit", "limit", "ours", "ours", "limit"]
    assert [r["ours"].per_second for r in kept] == [4.0, 5.0]


def test_a_percentile_of_few_values_is_one_of_them() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
    assert percentile([1.0, 2.0], 0.99) == 2.0
