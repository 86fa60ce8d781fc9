"""Rounds, medians, and the one JSON line. No ratio is named that the rounds do not agree on."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# Two rounds of one ratio that lie further apart than this say nothing.
MAX_SPREAD = 2.0
MIN_ROUNDS = 5


class RoundsDisagree(Exception):
    """The machine was too busy with other things; the text says which ratio moved and how far."""


@dataclass(frozen=True)
class Sample:
    """What one contestant did in one round; None is what was not measured."""

    per_second: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    cpu_ms_per_item: float | None = None


@dataclass(frozen=True)
class Report:
    """The answer of a benchmark; its fields are those of the JSON line."""

    name: str
    ours: float
    limit: float
    peer: float
    ratio_to_limit: float
    ratio_to_peer: float
    p50_ms: float | None
    p99_ms: float | None
    cpu_ms_per_item: float | None

    def line(self) -> str:
        return json.dumps(asdict(self))


Contestants = Mapping[str, Callable[[], Sample]]
Round = Mapping[str, Sample]


def compare(contestants: Contestants, *, rounds: int, say: Callable[[str], None]) -> list[Round]:
    """Let everybody run in turn: once to warm up, then `rounds` times that count."""
    kept: list[Round] = []
    for number in range(rounds + 1):
        # Who follows whom changes from round to round, so that nobody always comes first.
        names = sorted(contestants, key=list(contestants).index, reverse=number % 2 == 1)
        samples = {name: contestants[name]() for name in names}
        told = "  ".join(f"{name} {samples[name].per_second:,.0f}/s" for name in contestants)
        say(f"{f'round {number}' if number else 'warm-up'}: {told}")
        if number:
            kept.append(samples)
    return kept


def report(name: str, rounds: Sequence[Round]) -> Report:
    """Medians over the rounds. Raises `RoundsDisagree`."""
    if len(rounds) < MIN_ROUNDS:
        raise ValueError(f"{len(rounds)} rounds; {MIN_ROUNDS} are the fewest that count")

    def ours(field: str) -> float | None:
        values = [getattr(r["ours"], field) for r in rounds]
        return None if None in values else round(statistics.median(values), 3)

    def speed(who: str) -> float:
        return round(statistics.median(r[who].per_second for r in rounds), 1)

    return Report(
        name=name,
        ours=speed("ours"),
        limit=speed("limit"),
        peer=speed("peer"),
        ratio_to_limit=_ratio(rounds, "limit"),
        ratio_to_peer=_ratio(rounds, "peer"),
        p50_ms=ours("p50_ms"),
        p99_ms=ours("p99_ms"),
        cpu_ms_per_item=ours("cpu_ms_per_item"),
    )


def _ratio(rounds: Sequence[Round], other: str) -> float:
    """The median of each round's own ratio: what slows a whole round leaves it as it was."""
    ratios = [r["ours"].per_second / r[other].per_second for r in rounds]
    if max(ratios) > MAX_SPREAD * min(ratios):
        raise RoundsDisagree(
            f"ours was between {min(ratios):.2f} and {max(ratios):.2f} of the {other}:"
            " too far apart to name a ratio. Run it again on a quieter machine."
        )
    return round(statistics.median(ratios), 3)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie."""
    return sorted_values[min(int(len(sorted_values) * share), len(sorted_values) - 1)]


def cpu_seconds(pid: int) -> float | None:
    """Processor time a process has used so far, where the system tells."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
