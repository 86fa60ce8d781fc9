"""What happened on the desk. Ids only."""

from __future__ import annotations

from dataclasses import dataclass

from retailhub.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class CaseChanged(Event):
    """A page that shows this case is out of date."""

    case_id: int
    version: int
    verb: str  # new, upd or gone


@dataclass(frozen=True, kw_only=True)
class CasesChanged(Event):
    """The same of many: their ids and new versions."""

    cases: tuple[tuple[int, int], ...]
    verb: str = "upd"


@dataclass(frozen=True, kw_only=True)
class CasesBreached(Event):
    """These open cases passed their deadline."""

    case_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class CausesChanged(Event):
    """Lines between these causes were drawn anew: what is shown and counted as one."""

    cause_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ReplayRunChanged(Event):
    """A page that shows this run is out of date."""

    run_id: int
