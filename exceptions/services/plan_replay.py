"""What would a replay of these cases do? Counted before anybody presses, and again at the start."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet

from connectors.lifecycle import InboundState, OutboundState
from connectors.models import Connection
from connectors.services.codes import missing_rows
from connectors.systems.stock import STOCK_KINDS
from exceptions.expected import is_expectation
from exceptions.lifecycle import TAKEN, Outcome
from exceptions.models import ExceptionCase, ReplayItem
from exceptions.playbook import play_of
from exceptions.services.pace import pace_of
from retailhub.kernel.money import to_cents

_FACTS = (
    "pk",
    "state",
    "code",
    "cause_id",
    "cause__title",
    "connection_id",
    "context",
    "value",
    "currency",
    "order_id",
    "order__held_for",
    "order_number",
    "inbound_id",
    "inbound__state",
    "outbound_id",
    "outbound__kind",
    "outbound__state",
    "outbound__external_id",
)
_WORDS = {
    Outcome.READY: "can be replayed",
    Outcome.PAUSED: "wait for their connection",
    Outcome.RUNNING: "already running",
    Outcome.NEEDS_MAPPING: "need a mapping first",
    Outcome.DONE: "already done at the other system",
    Outcome.CLOSED: "closed meanwhile",
    Outcome.NOTHING: "have nothing to replay",
    Outcome.NO_ACCESS: "no longer yours to see",
}


def words_of(outcome: str) -> str:
    """An outcome as people read it: `already running`."""
    return _WORDS[Outcome(outcome)]


class Planned(NamedTuple):
    """One case and what a replay can do with it."""

    case_id: int
    cause_id: int
    outcome: Outcome
    goes_alone: bool = False  # it is more than a message or an effect to take again


@dataclass(frozen=True)
class Plan:
    """The numbers a person confirms. They always add up to `selected`."""

    selected: int
    cases: Sequence[Planned]
    outcomes: Mapping[Outcome, int]
    causes: Sequence[tuple[str, int]]
    targets: Sequence[tuple[str, int]]
    money: Mapping[str, Decimal]
    per_second: float
    limit: str
    connection_ids: Sequence[int]
    are_orders: bool

    @property
    def taken(self) -> int:
        """How many the run would take."""
        return sum(self.outcomes.get(outcome, 0) for outcome in TAKEN)

    @property
    def seconds(self) -> int:
        """About how long it would take, were nothing else going on."""
        return max(round(self.taken / self.per_second), 1)

    @property
    def target(self) -> str:
        """Where it all goes, when that is one place."""
        return self.targets[0][0] if len(self.targets) == 1 else ""

    @property
    def title(self) -> str:
        """`Replay 119 orders to NetSuite`."""
        what = f"{self.taken} {'order' if self.are_orders else 'exception'}"
        plural = "" if self.taken == 1 else "s"
        where = f" to {self.target}" if self.target not in {"", "RetailHub"} else ""
        return f"Replay {what}{plural}{where}"

    @property
    def left_out(self) -> str:
        """`9 of the 128 you chose are left out: 6 are already running, 3 need a mapping first.`"""
        rest = [(n, word) for outcome, n, word in self._each() if outcome not in TAKEN]
        total = sum(n for n, _ in rest)
        if not total:
            return ""
        parts = ", ".join(f"{n} {word}" for n, word in rest)
        be = "is" if total == 1 else "are"
        return f"{total} of the {self.selected} you chose {be} left out: {parts}."

    def _each(self) -> list[tuple[Outcome, int, str]]:
        found = ((one, self.outcomes.get(one, 0)) for one in Outcome)
        return [(one, n, _WORDS[one]) for one, n in found if n]

    @property
    def lines(self) -> list[tuple[int, str]]:
        """How many of each outcome, in words, what can be done first."""
        return [(n, word) for _, n, word in self._each()]

    def as_json(self) -> dict[str, Any]:
        """What is kept with the run."""
        return {
            "selected": self.selected,
            "outcomes": {outcome.value: count for outcome, count in self.outcomes.items()},
            "causes": [list(row) for row in self.causes],
            "targets": [list(row) for row in self.targets],
            "money": {currency: str(amount) for currency, amount in self.money.items()},
            "per_second": self.per_second,
        }


def plan_replay(
    case_ids: Sequence[int], *, visible: QuerySet[ExceptionCase], run_id: int | None = None
) -> Plan:
    """What a replay of these would do now, for somebody who sees only `visible`.

    Six queries and one per connection whose mappings are asked, however many cases there are.
    """
    rows = list(visible.filter(pk__in=case_ids).order_by("pk").values(*_FACTS))
    connections = Connection.objects.in_bulk({row["connection_id"] for row in rows} - {None})
    found = _outcomes(rows, run_id, connections)
    planned = [
        Planned(row["pk"], row["cause_id"], found[row["pk"]], _goes_alone(row)) for row in rows
    ]
    unseen = set(case_ids) - found.keys()
    outcomes = Counter(one.outcome for one in planned)
    if unseen:
        outcomes[Outcome.NO_ACCESS] = len(unseen)
    taken = [row for row in rows if found[row["pk"]] in TAKEN]
    per_second, limit = pace_of(
        connections[row["connection_id"]] if row["outbound_id"] else None for row in taken
    )
    return Plan(
        selected=len(case_ids),
        cases=planned,
        outcomes=outcomes,
        causes=Counter(row["cause__title"] for row in taken).most_common(),
        targets=Counter(_target(row, connections) for row in taken).most_common(),
        money=_money(taken),
        per_second=per_second,
        limit=limit,
        connection_ids=sorted(
            {row["connection_id"] for row in rows if row["connection_id"] is not None}
        ),
        are_orders=all(row["order_number"] for row in taken),
    )


def _outcomes(
    rows: Sequence[Mapping[str, Any]], run_id: int | None, connections: Mapping[int, Connection]
) -> dict[int, Outcome]:
    elsewhere = ReplayItem.objects.filter(
        case_id__in=[row["pk"] for row in rows], state__in=["PENDING", "SENT"]
    ).exclude(run_id=run_id)
    in_runs = set(elsewhere.values_list("case_id", flat=True))
    missing = missing_rows({key for row in rows if (key := _needed_row(row))})
    return {
        row["pk"]: _outcome(row, connections, missing) if row["pk"] not in in_runs
        else Outcome.RUNNING
        for row in rows
    }  # fmt: skip


def _needed_row(row: Mapping[str, Any]) -> tuple[int, str, str, bool] | None:
    """The mapping row the case is about: connection, table, code, and whether it is outward."""
    if row["code"] != "connectors.mapping_missing" or row["connection_id"] is None:
        return None
    table, code = row["context"].get("table"), row["context"].get("external_code")
    return (row["connection_id"], table, code, bool(row["outbound_id"])) if table and code else None


def _outcome(
    row: Mapping[str, Any],
    connections: Mapping[int, Connection],
    missing: set[tuple[int, str, str, bool]],
) -> Outcome:
    by_case = {"REPLAYING": Outcome.RUNNING, "RESOLVED": Outcome.CLOSED, "IGNORED": Outcome.CLOSED}
    if row["state"] in by_case:
        return by_case[row["state"]]
    by_work = _outcome_of_work(row)
    if by_work != Outcome.READY:
        return by_work
    if _needed_row(row) in missing:
        return Outcome.NEEDS_MAPPING
    connection = connections.get(row["connection_id"])
    if connection is not None and is_paused(connection, is_outbound=bool(row["outbound_id"])):
        return Outcome.PAUSED
    return Outcome.READY


_IN = {
    InboundState.DEAD: Outcome.READY,
    InboundState.PARKED: Outcome.READY,
    InboundState.WAITING: Outcome.READY,
    InboundState.RECEIVED: Outcome.RUNNING,
    InboundState.PROCESSING: Outcome.RUNNING,
}
_OUT = {
    OutboundState.DEAD: Outcome.READY,
    OutboundState.MANUAL: Outcome.READY,
    OutboundState.SENT: Outcome.DONE,
    OutboundState.READY: Outcome.RUNNING,
    OutboundState.SENDING: Outcome.RUNNING,
    OutboundState.UNKNOWN: Outcome.RUNNING,
}


def _outcome_of_work(row: Mapping[str, Any]) -> Outcome:
    """By what stands behind the case: its message, its effect, or its order."""
    if row["inbound_id"]:
        return _IN.get(row["inbound__state"], Outcome.NOTHING)
    if row["outbound_id"]:
        return _OUT.get(row["outbound__state"], Outcome.NOTHING)
    if is_expectation(row["code"]):
        can_look = row["order_id"] is not None and bool(play_of(row["code"]).replay)
        return Outcome.READY if can_look else Outcome.NOTHING
    if row["context"].get("offer_id"):
        return Outcome.READY  # the number is told again
    is_held = row["order_id"] is not None and row["order__held_for"] == row["code"]
    return Outcome.READY if is_held else Outcome.NOTHING


def _goes_alone(row: Mapping[str, Any]) -> bool:
    """An order, an offer or a look goes its own way, and numbers of stock are told anew."""
    if row["inbound_id"]:
        return False
    return not row["outbound_id"] or row["outbound__kind"] in STOCK_KINDS


def is_paused(connection: Connection, *, is_outbound: bool) -> bool:
    """True while what is replayed over `connection` would only wait."""
    if is_outbound:
        return connection.takes_nothing
    return connection.inbound_paused_at is not None


def _target(row: Mapping[str, Any], connections: Mapping[int, Connection]) -> str:
    connection = connections.get(row["connection_id"])
    return connection.name if connection is not None and row["outbound_id"] else "RetailHub"


def _money(rows: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """What hangs on them. An order with two cases counts once."""
    once: dict[Any, tuple[str, Decimal]] = {}
    for row in rows:
        if row["value"] is not None and row["currency"]:
            once[row["order_id"] or -row["pk"]] = (row["currency"], row["value"])
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for currency, value in once.values():
        sums[currency] += value
    return {currency: to_cents(amount, currency) for currency, amount in sorted(sums.items())}
