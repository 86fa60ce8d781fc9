"""Where a simulated system keeps its records, and how it remembers them over a restart.

`state.jsonl` holds every change and every effect and is written first; `ledger.jsonl` is a copy of
the effects alone, completed from the state file at start. So a crash between the two files cannot
hide an effect from the oracle.
"""

import asyncio
import json
import os
from collections import deque
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from retailhub.sandbox.clock import ledger_stamp
from retailhub.sandbox.ledger import Effect, LedgerLine, read_json_lines

Record: TypeAlias = dict[str, Any]

# Lines offered over HTTP; the file has them all.
RECENT_LINES = 100_000
# A state file is rewritten when it is this long and twice as long as it was after the last time.
COMPACT_BYTES = 64_000_000
COMPACT_FACTOR = 2


@dataclass
class Call:
    """The request being answered: who asked, with what body, and how much it changed so far."""

    trace_id: str
    digest: str
    applied: int = 0


CALL: ContextVar[Call | None] = ContextVar("sandbox_call", default=None)


class Journal:
    """Records by table and key in memory, every change on disk before `commit` returns."""

    def __init__(self, folder: Path, system: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.system = system
        self.tables: dict[str, dict[str, Record]] = {}
        self.recent: deque[LedgerLine] = deque(maxlen=RECENT_LINES)
        self.number = 0
        self._staged = self._durable = 0
        self._state_lines: list[bytes] = []
        self._ledger_lines: list[bytes] = []
        self._flushing = asyncio.Lock()
        self._state_bytes, self._compact_at = 0, COMPACT_BYTES
        self._load(folder / "state.jsonl", folder / "ledger.jsonl")

    def table(self, name: str) -> dict[str, Record]:
        return self.tables.setdefault(name, {})

    def put(self, table: str, key: str, record: Record) -> None:
        """Keep this record as it is now; say it again after changing it."""
        self.table(table)[key] = record
        self._stage([table, key, record])

    def drop(self, table: str, key: str) -> None:
        self.table(table).pop(key, None)
        self._stage([table, key, None])

    def record(self, effect: Effect) -> LedgerLine:
        """Write down an effect, with the trace and the body of the call that caused it."""
        call = CALL.get()
        self.number += 1
        line = LedgerLine(
            number=self.number,
            at=ledger_stamp(),
            system=self.system,
            kind=effect.kind,
            reference=effect.reference,
            external_id=effect.external_id,
            key=effect.key,
            digest=call.digest if call else "",
            trace_id=call.trace_id if call else "",
            detail=effect.detail,
        )
        if call:
            call.applied += 1
        self.recent.append(line)
        encoded = _encode(vars(line))
        self._ledger_lines.append(encoded)
        self._state_lines.append(b'["","%d",%s]\n' % (line.number, encoded.rstrip()))
        self._staged += 1
        return line

    def count_up(self, name: str) -> int:
        """The next number of this name: 1, 2, 3 …, over restarts too."""
        row = self.table("counters").get(name, {"value": 0})
        row["value"] += 1
        self.put("counters", name, row)
        return int(row["value"])

    def counted(self, name: str) -> int:
        """The last number that count_up gave out."""
        return int(self.table("counters").get(name, {"value": 0})["value"])

    async def commit(self) -> None:
        """Return when everything said so far is on disk; who waits together shares one fsync."""
        target = self._staged
        while self._durable < target:
            async with self._flushing:
                if self._durable < target:
                    await asyncio.shield(self._flush())

    def close(self) -> None:
        self._write(self._state_lines, self._ledger_lines)
        self._state_lines, self._ledger_lines = [], []
        self._state_file.close()
        self._ledger_file.close()

    def _stage(self, change: list[Any]) -> None:
        self._state_lines.append(_encode(change))
        self._staged += 1

    async def _flush(self) -> None:
        staged = self._staged
        state_lines, self._state_lines = self._state_lines, []
        ledger_lines, self._ledger_lines = self._ledger_lines, []
        rows = list(self._all_rows()) if self._state_bytes > self._compact_at else None
        await asyncio.to_thread(self._write, state_lines, ledger_lines)
        if rows is not None:
            await asyncio.to_thread(self._replace_state, rows)
        self._durable = staged

    def _write(self, state_lines: list[bytes], ledger_lines: list[bytes]) -> None:
        for file, lines in ((self._state_file, state_lines), (self._ledger_file, ledger_lines)):
            if lines:
                file.write(b"".join(lines))
                file.flush()
                os.fdatasync(file.fileno())
        self._state_bytes += sum(len(line) for line in state_lines)

    def _load(self, state_path: Path, ledger_path: Path) -> None:
        self._restore_ledger(ledger_path)
        missing: list[LedgerLine] = []
        changes = 0
        for table, key, record in read_json_lines(state_path):
            changes += 1
            if table:
                self._restore(table, key, record)
            elif int(key) > self.number:
                missing.append(LedgerLine(**record))
        self._state_file = _open_for_append(state_path)
        self._ledger_file = _open_for_append(ledger_path)
        self._write([], [_encode(vars(line)) for line in missing])
        live = sum(len(rows) for rows in self.tables.values())
        if changes > max(1_000, COMPACT_FACTOR * live):
            self._replace_state(list(self._all_rows()))
        self.recent.extend(missing)
        self.number += len(missing)

    def _restore(self, table: str, key: str, record: Record | None) -> None:
        if record is None:
            self.table(table).pop(key, None)
        else:
            self.table(table)[key] = record

    def _restore_ledger(self, path: Path) -> None:
        for line in read_json_lines(path):
            self.recent.append(LedgerLine(**line))
            self.number = int(line["number"])

    def _replace_state(self, rows: list[bytes]) -> None:
        """Write the state anew, only what is alive; the ledger has all effects by now."""
        path = Path(self._state_file.name)
        shorter = path.with_suffix(".tmp")
        with shorter.open("wb") as file:
            file.writelines(rows)
            file.flush()
            os.fsync(file.fileno())
        self._state_file.close()
        shorter.replace(path)
        self._state_file = _open_for_append(path)
        self._state_bytes = path.stat().st_size
        self._compact_at = max(COMPACT_BYTES, COMPACT_FACTOR * self._state_bytes)

    def _all_rows(self) -> Iterable[bytes]:
        for table, rows in self.tables.items():
            for key, record in rows.items():
                yield _encode([table, key, record])


def _encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _open_for_append(path: Path) -> BinaryIO:
    """Open a file after cutting off a last line that a crash left unfinished."""
    if path.exists():
        with path.open("rb+") as file:
            file.truncate(_whole_length(file))
    return path.open("ab")


def _whole_length(file: BinaryIO) -> int:
    """How many bytes of the file end in a finished line."""
    position = file.seek(0, os.SEEK_END)
    while position > 0:
        start = max(0, position - 65_536)
        file.seek(start)
        found = file.read(position - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0
