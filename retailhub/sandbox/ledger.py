"""What was really applied: the lines an oracle compares with the hub's database."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Effect:
    """One thing that changed on a simulated system."""

    kind: str
    reference: str
    external_id: str = ""
    key: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LedgerLine:
    """An effect as written down: numbered, dated and fsynced before the caller was answered."""

    number: int
    at: str
    system: str
    kind: str
    reference: str
    external_id: str
    key: str
    digest: str
    trace_id: str
    detail: dict[str, Any]


class Ledger:
    """The lines of one system's ledger file, oldest first."""

    def __init__(self, lines: list[LedgerLine]) -> None:
        self.lines = lines

    def __iter__(self) -> Iterator[LedgerLine]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def of_kind(self, kind: str) -> list[LedgerLine]:
        return [line for line in self.lines if line.kind == kind]

    def about(self, reference: str) -> list[LedgerLine]:
        return [line for line in self.lines if line.reference == reference]

    def count_by_reference(self, kind: str) -> dict[str, int]:
        """How many times an effect of this kind was applied, per reference."""
        counts: dict[str, int] = {}
        for line in self.of_kind(kind):
            counts[line.reference] = counts.get(line.reference, 0) + 1
        return counts


def read_json_lines(path: Path) -> Iterator[Any]:
    """Every complete line of a file; one torn by a crash was promised to nobody and is left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield json.loads(line)


def read_ledger(path: Path | str) -> Ledger:
    """The ledger at this path, or in this system's folder; safe while the system is writing."""
    path = Path(path)
    file = path / "ledger.jsonl" if path.is_dir() else path
    return Ledger([LedgerLine(**line) for line in read_json_lines(file)])
