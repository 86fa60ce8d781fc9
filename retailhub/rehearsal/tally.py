"""What was planned to go wrong, what really did, and how much that proves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from retailhub.rehearsal.estate import Estate
from retailhub.rehearsal.evidence import Evidence
from retailhub.rehearsal.nemesis import Nemesis
from retailhub.rehearsal.plan import AMBIGUOUS, KILLS, REFUSALS, Plan
from retailhub.sandbox.ledger import LedgerLine, read_json_lines
from retailhub.sandbox.run import NAMES

# A run in which fewer of the planned faults landed says nothing.
ENOUGH = 0.8
# Shares of fewer events than this are luck.
TOO_FEW = 50


@dataclass(frozen=True)
class Fault:
    """One kind of trouble: how often it was to come, and how often it came."""

    name: str
    planned: float
    landed: int

    @property
    def is_enough(self) -> bool:
        return self.landed >= ENOUGH * self.planned


@dataclass
class Tally:
    """All kinds of trouble. `at_risk` counts the calls after which nobody knew the outcome."""

    strikes: list[Fault] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    effects: int = 0
    messages: int = 0
    at_risk: int = 0

    @property
    def is_void(self) -> bool:
        """Too little went wrong for the result to mean anything."""
        large = [fault for fault in self.faults if fault.planned >= TOO_FEW]
        return not all(fault.is_enough for fault in (*self.strikes, *large))

    @property
    def bound(self) -> float:
        """No failure among `at_risk` puts the true rate below this, at 95 % (rule of three)."""
        return min(1.0, 3 / self.at_risk) if self.at_risk else 1.0


def tally(made: Estate, plan: Plan, nemesis: Nemesis, evidence: Evidence, *, calm_at: str) -> Tally:
    """Count by the ledgers of those who did it; shares are of what happened before `calm_at`."""
    landed: Counter[str] = Counter(
        line["fault"]
        for name in NAMES
        for line in read_json_lines(made.sandbox_data / name / "faults.jsonl")
    )
    lines = [*evidence.shop, *evidence.erp, *evidence.wms]
    stormy = [line for line in lines if line.at <= calm_at]
    applied = _calls(stormy)
    told = len({line.key for line in stormy if line.kind == "webhook.acked"})
    ambiguous = sum(landed[name] for name in AMBIGUOUS)
    crashed = sum(attempt.outcome in {"CRASHED", "LATE"} for attempt in evidence.attempts)
    faults = plan.faults
    duplicated, shuffled = landed["duplicate_delivery"], landed["out_of_order"]
    return Tally(
        strikes=list(_strikes(nemesis)),
        faults=[
            Fault("ambiguous answers", _ambiguous(faults) * applied, ambiguous),
            Fault("webhooks told twice", faults.get("duplicate_delivery", 0) * told, duplicated),
            Fault("webhooks out of order", faults.get("out_of_order", 0) * told, shuffled),
            Fault("calls refused or throttled", 0, sum(landed[name] for name in REFUSALS)),
            Fault("calls whose caller vanished", 0, crashed),
        ],
        effects=_calls(lines),
        messages=len(evidence.inbound),
        at_risk=ambiguous + crashed,
    )


def _calls(lines: Iterable[LedgerLine]) -> int:
    """How many calls of ours changed something: one may have set many numbers."""
    return len({(line.kind, line.key, line.trace_id) for line in lines if line.trace_id})


def _strikes(nemesis: Nemesis) -> Iterator[Fault]:
    planned, landed = nemesis.kills
    if planned:
        yield Fault("kills of worker processes", planned, landed)
    for strike, count in nemesis.planned.items():
        if strike not in KILLS:
            yield Fault(strike.value, count, nemesis.landed[strike])


def _ambiguous(faults: Mapping[str, float]) -> float:
    """Of the calls that changed something: each fault strikes where those before it did not."""
    clear = 1.0
    for name in AMBIGUOUS:
        clear *= 1 - faults.get(name, 0.0)
    return 1 - clear
