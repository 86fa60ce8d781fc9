"""The sum as a picture that is also a table: each line with its bar, its number and its reason.

Reads an explanation as it is stored, so that a past answer looks like the present one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH = 1000  # of the drawing, in its own units
_FLOOR = "Never below zero"
# The lines of a node in the order of the sum; those nobody foresaw come last.
_ORDER = ("On hand", "Promised", "Set aside by the node", "On its way", "Safety stock", _FLOOR)

Explanation = Mapping[str, Any]
Words = Mapping[int, Mapping[str, str]]  # rules by id, as rules.py says them


@dataclass(frozen=True)
class Bar:
    """Where a line's bar lies in the drawing, and where the one before it ended."""

    x: float
    width: float
    joint: float | None


@dataclass(frozen=True)
class Line:
    """One line: `kind` is start, add, take, same, sum or end."""

    label: str
    kind: str
    change: int
    after: int
    bar: Bar
    notes: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """The same by node: a column for each kind of line, a row for each node."""

    labels: list[str]
    rows: list[dict[str, Any]]


def waterfall(told: Explanation, *, end: str, rules: Words, names: Mapping[str, str]) -> list[Line]:
    """The lines of a whole answer: those of all nodes summed up, then the channel's."""
    raw = list(_over_nodes(told.get("nodes", ()), rules, names))
    steps: Sequence[Mapping[str, Any]] = told.get("steps", ())
    if len(raw) > 1 and len(steps) > 1:
        raw.append(("Offered by all nodes", "sum", 0, steps[0]["after"], []))
    raw += [(s["label"], "", s["change"], s["after"], _notes([("", s)], rules)) for s in steps[1:]]
    raw.append((end, "end", 0, told.get("quantity", 0), []))
    return _drawn(raw)


def node_waterfall(node: Mapping[str, Any], *, end: str, rules: Words) -> list[Line]:
    """The lines of one node."""
    raw = [
        (s["label"], "", s["change"], s["after"], _notes([("", s)], rules)) for s in node["steps"]
    ]
    return _drawn([*raw, (end, "end", 0, node["quantity"], [])])


def by_node(told: Explanation, names: Mapping[str, str]) -> Table:
    """What each node has, lacks and offers."""
    nodes = told.get("nodes", ())
    labels = _labels(nodes)
    listed = told.get("listed", {})
    rows = [
        {
            "code": node["code"],
            "name": names.get(node["code"], node["code"]),
            "cells": [changes.get(label) for label in labels],
            "offers": node["quantity"],
            "listed": listed.get(node["code"], 0),
        }
        for node in nodes
        for changes in [{step["label"]: step["change"] for step in node["steps"]}]
    ]
    return Table(labels, rows)


_Raw = tuple[str, str, int, int, list[dict[str, Any]]]


def _over_nodes(
    nodes: Sequence[Mapping[str, Any]], rules: Words, names: Mapping[str, str]
) -> Iterable[_Raw]:
    after = 0
    for label in _labels(nodes):
        steps = [
            (names.get(node["code"], node["code"]), step)
            for node in nodes
            for step in node["steps"]
            if step["label"] == label
        ]
        change = sum(step["change"] for _, step in steps)
        after += change
        is_one = len(nodes) == 1
        shown = [("" if is_one else name, step) for name, step in steps]
        yield label, "", change, after, _notes(shown, rules)


def _labels(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    seen = dict.fromkeys(step["label"] for node in nodes for step in node["steps"])
    place = {label: number for number, label in enumerate(_ORDER)}
    return sorted(seen, key=lambda label: place.get(label, len(_ORDER)))


def _notes(steps: Iterable[tuple[str, Mapping[str, Any]]], rules: Words) -> list[dict[str, Any]]:
    """Who has which part of the change, and why."""
    return [
        {
            "who": name,
            "change": step["change"],
            "why": step["why"],
            "rule": rules.get(step.get("rule_id") or 0),
        }
        for name, step in steps
        if name or step["why"] or step.get("rule_id")
    ]


def _drawn(raw: Sequence[_Raw]) -> list[Line]:
    points = [0, *(after for *_, after, _ in raw)]
    low, high = min(points), max(points)
    unit = WIDTH / max(high - low, 1)

    def at(value: int) -> float:
        return round((value - low) * unit, 1)

    lines: list[Line] = []
    before: int | None = None
    for number, (label, kind, change, after, notes) in enumerate(raw):
        whole = number == 0 or kind in {"sum", "end"}
        start = 0 if whole or before is None else before
        left, right = sorted((at(start), at(after)))
        moves = "start" if number == 0 else "add" if change > 0 else "take" if change else "same"
        joint = None if before is None else at(before)
        bar = Bar(left, round(right - left, 1), joint)
        lines.append(Line(label, kind or moves, change, after, bar, notes))
        before = after
    return lines
