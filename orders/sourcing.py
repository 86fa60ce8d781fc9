"""Which node sends what, and why? Pure: stock and nodes in, a plan and its explanation out.

The rule: the first node by priority that has it all; else line by line from the nodes in order of
priority, split where one alone can't.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Node:
    """A place that can ship. Lower `priority` ships first."""

    location_id: int
    code: str
    priority: int


@dataclass(frozen=True)
class Need:
    """Units of one item that one line wants."""

    reference: str
    item_id: int
    sku: str
    quantity: int


@dataclass(frozen=True)
class Take:
    """Units of one need taken from one node."""

    reference: str
    location_id: int
    quantity: int


@dataclass
class Decision:
    """Where everything comes from, or what is short, and the reasons line by line."""

    takes: list[Take] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    short: dict[str, int] = field(default_factory=dict)  # sku -> units missing

    @property
    def is_complete(self) -> bool:
        return not self.short


def choose_nodes(
    needs: Sequence[Need], nodes: Sequence[Node], available: Mapping[tuple[int, int], int]
) -> Decision:
    """The plan for one order. `available` is units by (item id, location id)."""
    ranked = sorted(nodes, key=lambda node: (node.priority, node.code))
    decision = Decision()
    if not needs:
        return decision
    for node in ranked:
        missing = _missing_at(node, needs, available)
        if not missing:
            decision.reasons.append(f"{node.code} has everything and comes first by priority.")
            decision.takes = [Take(n.reference, node.location_id, n.quantity) for n in needs]
            return decision
        decision.reasons.append(f"{node.code} lacks {_listing(missing)}.")
    return _split(needs, ranked, available, decision)


def _missing_at(
    node: Node, needs: Sequence[Need], available: Mapping[tuple[int, int], int]
) -> dict[str, int]:
    asked: dict[int, int] = {}
    missing: dict[str, int] = {}
    for need in needs:
        asked[need.item_id] = asked.get(need.item_id, 0) + need.quantity
        lacking = asked[need.item_id] - max(available.get((need.item_id, node.location_id), 0), 0)
        if lacking > 0:
            missing[need.sku] = lacking
    return missing


def _split(
    needs: Sequence[Need],
    ranked: Sequence[Node],
    available: Mapping[tuple[int, int], int],
    decision: Decision,
) -> Decision:
    room = dict(available)
    for need in needs:
        left = need.quantity
        for node in ranked:
            units = min(left, max(room.get((need.item_id, node.location_id), 0), 0))
            if units == 0:
                continue
            room[need.item_id, node.location_id] -= units
            left -= units
            decision.takes.append(Take(need.reference, node.location_id, units))
            decision.reasons.append(f"{units} × {need.sku} from {node.code}.")
        if left:
            decision.short[need.sku] = decision.short.get(need.sku, 0) + left
    if decision.short:
        decision.takes = []
        decision.reasons.append(f"All nodes together lack {_listing(decision.short)}.")
    else:
        decision.reasons.insert(len(ranked), "No node has everything, so the order is split.")
    return decision


def _listing(units: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {sku}" for sku, count in units.items())
