"""What a page may cost, what it did cost, and the lines that say so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """One thing measured against what it may be at most."""

    item: int
    what: str
    measured: float
    most: float
    unit: str

    @property
    def is_met(self) -> bool:
        return self.measured <= self.most

    def line(self) -> str:
        # Of nothing allowed there is no share.
        ratio = round(self.measured / self.most, 3) if self.most else None
        return json.dumps(
            {
                "item": self.item,
                "what": self.what,
                "measured": round(self.measured, 4),
                "budget": self.most,
                "unit": self.unit,
                "ratio": ratio,
                "is_met": self.is_met,
            }
        )


@dataclass(frozen=True)
class Verdict:
    """All budgets of a run; its line names what is over."""

    name: str
    budgets: Sequence[Budget]
    load: float  # of the machine, in processes over the last minute

    def line(self) -> str:
        over = [
            f"{one.item} {one.what}: {one.measured:g} {one.unit}, may be {one.most:g}"
            for one in self.budgets
            if not one.is_met
        ]
        met = len(self.budgets) - len(over)
        load = round(self.load, 2)
        return json.dumps({"name": self.name, "met": met, "over": over, "load": load})
