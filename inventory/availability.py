"""How many may be sold, and why? Pure: stock and rules in, the number and its explanation out.

A node: on hand − promised − set aside by the node + on its way within the horizon − safety stock,
never below zero. A channel: the sum of its nodes − buffer, times its share, nothing at or below
*end when*, at most *max listed*. The page, the interface and every publication use this sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple


class Knob(StrEnum):
    """What a rule can turn. The first two are a node's, the others a channel's."""

    SAFETY_STOCK = "SAFETY_STOCK"
    HORIZON = "HORIZON"
    BUFFER = "BUFFER"
    SHARE = "SHARE"
    END_WHEN = "END_WHEN"
    MAX_LISTED = "MAX_LISTED"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Knob.SAFETY_STOCK: "Safety stock",
    Knob.HORIZON: "In-transit horizon (hours)",
    Knob.BUFFER: "Channel buffer",
    Knob.SHARE: "Share (percent)",
    Knob.END_WHEN: "End when",
    Knob.MAX_LISTED: "Max listed",
}


class Fallback(StrEnum):
    """What counts while a node says nothing."""

    HOLD = "HOLD"  # its last number
    SHARE = "SHARE"  # a conservative share of it
    STOP = "STOP"  # nothing


@dataclass(frozen=True)
class Rule:
    """A row of the rule table. None and the empty category match anything."""

    id: int
    knob: Knob
    value: int
    item_id: int | None = None
    category: str = ""
    channel_id: int | None = None
    location_id: int | None = None
    note: str = ""


class Place(NamedTuple):
    """What is asked about: an item, perhaps at a channel, perhaps at a node."""

    item_id: int
    category: str = ""
    channel_id: int | None = None
    location_id: int | None = None


class RuleBook:
    """Which row counts where: item beats category beats channel beats node; the newest of equals.

    The same rows and place always give the same row.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        # Rows that name an item or a category are found by it: there may be thousands of them.
        self._rules: dict[tuple[Knob, int | None, str], list[Rule]] = {}
        for rule in sorted(rules, key=_specificity, reverse=True):
            self._rules.setdefault((rule.knob, rule.item_id, rule.category), []).append(rule)
        self._knobs = {knob for knob, *_ in self._rules}

    def winner(self, knob: Knob, place: Place) -> Rule | None:
        """The row that counts, or None."""
        return next(self._matching(knob, place), None) if knob in self._knobs else None

    def losers(self, knob: Knob, place: Place) -> list[Rule]:
        """The rows that match too but don't count, the strongest first."""
        return list(self._matching(knob, place))[1:]

    def _matching(self, knob: Knob, place: Place) -> Iterator[Rule]:
        keys = [(knob, place.item_id, ""), (knob, None, "")]
        if place.category:
            keys.insert(1, (knob, None, place.category))
        for key in keys:
            for rule in self._rules.get(key, ()):
                if rule.channel_id is not None and rule.channel_id != place.channel_id:
                    continue
                if rule.location_id is None or rule.location_id == place.location_id:
                    yield rule


def _specificity(rule: Rule) -> tuple[bool, bool, bool, bool, int]:
    named = (rule.item_id, rule.category or None, rule.channel_id, rule.location_id)
    item, category, channel, location = (part is not None for part in named)
    return (item, category, channel, location, rule.id)


@dataclass(frozen=True)
class Arrival:
    """Units on their way to a node."""

    quantity: int
    expected_at: datetime


@dataclass(frozen=True)
class Silence:
    """That a node has said nothing since then, and what counts meanwhile."""

    since: datetime
    fallback: Fallback
    percent: int = 100


@dataclass(frozen=True)
class NodeStock:
    """What we know of one item at one node, in units."""

    location_id: int
    code: str
    on_hand: int
    reserved: int = 0
    allocated: int = 0
    arrivals: Sequence[Arrival] = ()
    silence: Silence | None = None


class Step(NamedTuple):
    """One line of the explanation: what was added or taken, what was left, and by which rule."""

    label: str
    change: int
    after: int
    why: str = ""
    rule_id: int | None = None


class NodeAvailability(NamedTuple):
    """What one node offers. Never below zero."""

    code: str
    quantity: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Availability:
    """What may be sold in all, how it comes about, and which node it is offered from.

    `listed` is `quantity` split over the nodes in their order; no node lists more than it offers.
    """

    quantity: int
    nodes: tuple[NodeAvailability, ...]
    steps: tuple[Step, ...]
    listed: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """The explanation as it is stored and sent."""
        return {
            "quantity": self.quantity,
            "listed": dict(self.listed),
            "nodes": [
                {"code": node.code, "quantity": node.quantity, "steps": _as_json(node.steps)}
                for node in self.nodes
            ],
            "steps": _as_json(self.steps),
        }


def _as_json(steps: Iterable[Step]) -> list[dict[str, Any]]:
    # Written out: thousands are stored at once, and `_asdict` takes three times as long.
    return [
        {"label": label, "change": change, "after": after, "why": why, "rule_id": rule_id}
        for label, change, after, why, rule_id in steps
    ]


class _Sum:
    """A running number that remembers every line."""

    def __init__(self, label: str, start: int, why: str = "") -> None:
        self.value = start
        self.steps = [Step(label, start, start, why)]

    def add(self, label: str, change: int, why: str = "", rule: Rule | None = None) -> None:
        """Add `change`; a line that changes nothing and says nothing is left out."""
        if change or why:
            self.value += change
            rule_id = rule.id if rule else None
            self.steps.append(Step(label, change, self.value, why, rule_id))

    def to(self, label: str, value: int, why: str = "", rule: Rule | None = None) -> None:
        """Go to `value`, if that is a change."""
        if value != self.value:
            self.add(label, value - self.value, why, rule)


# What a node offers of an item, by both and by the rules for horizon and safety stock that count.
NodeSums = dict[tuple[int, str, int | None, int | None], NodeAvailability]


def available_to_sell(
    nodes: Sequence[NodeStock],
    rules: RuleBook,
    place: Place,
    *,
    at: datetime,
    known: NodeSums | None = None,
) -> Availability:
    """What may be sold of `place`'s item, at its channel if it names one, from `nodes` in order.

    `known` is shared by questions about the same stock, rules and moment: channels differ from each
    other only after the sums of the nodes, unless a rule of the node names one.
    """
    sums: NodeSums = {} if known is None else known
    offers = tuple(_at_node(node, rules, place, at, sums) for node in nodes)
    total = _Sum("All nodes", sum(offer.quantity for offer in offers))
    if place.channel_id is not None:
        _for_channel(total, rules, place)
    total.to("Never below zero", max(total.value, 0))
    return Availability(total.value, offers, tuple(total.steps), _listed(offers, total.value))


def _at_node(
    node: NodeStock, rules: RuleBook, place: Place, at: datetime, known: NodeSums
) -> NodeAvailability:
    here = Place(place.item_id, place.category, place.channel_id, node.location_id)
    horizon, safety = rules.winner(Knob.HORIZON, here), rules.winner(Knob.SAFETY_STOCK, here)
    ids = (horizon.id if horizon else None, safety.id if safety else None)
    key = (place.item_id, node.code, *ids)
    if key not in known:
        known[key] = _node_sum(node, horizon, safety, at)
    return known[key]


def _node_sum(
    node: NodeStock, horizon: Rule | None, safety: Rule | None, at: datetime
) -> NodeAvailability:
    left = _Sum("On hand", node.on_hand)
    left.add("Promised", -node.reserved)
    left.add("Set aside by the node", -node.allocated)
    if horizon is not None:
        until = at + timedelta(hours=horizon.value)
        coming = sum(a.quantity for a in node.arrivals if a.expected_at <= until)
        left.add("On its way", coming, f"within {horizon.value} h" if coming else "", horizon)
    if safety is not None:
        left.add("Safety stock", -safety.value, safety.note, safety)
    left.to("Never below zero", max(left.value, 0))
    if node.silence is not None:
        _while_silent(left, node.silence)
    return NodeAvailability(node.code, left.value, tuple(left.steps))


def _while_silent(left: _Sum, silence: Silence) -> None:
    percent = {Fallback.HOLD: 100, Fallback.SHARE: silence.percent, Fallback.STOP: 0}
    kept = left.value * percent[silence.fallback] // 100
    why = f"silent since {silence.since:%d %b %H:%M %Z}"
    left.add(_WHILE_SILENT[silence.fallback], kept - left.value, why)


_WHILE_SILENT = {
    Fallback.HOLD: "Silent: its last number counts",
    Fallback.SHARE: "Silent: a share of its last number counts",
    Fallback.STOP: "Silent: nothing counts",
}


def _for_channel(total: _Sum, rules: RuleBook, place: Place) -> None:
    if buffer := rules.winner(Knob.BUFFER, place):
        total.add("Channel buffer", -buffer.value, buffer.note, buffer)
    if (share := rules.winner(Knob.SHARE, place)) and total.value > 0:
        total.to("Share", total.value * share.value // 100, f"{share.value} %", share)
    if (end := rules.winner(Knob.END_WHEN, place)) and 0 < total.value <= end.value:
        total.to("End when", 0, f"at {end.value} or fewer", end)
    if (most := rules.winner(Knob.MAX_LISTED, place)) and total.value > most.value:
        total.to("Max listed", most.value, f"at most {most.value}", most)


def _listed(offers: Sequence[NodeAvailability], total: int) -> dict[str, int]:
    listed: dict[str, int] = {}
    for offer in offers:
        listed[offer.code] = min(offer.quantity, total)
        total -= listed[offer.code]
    return listed
