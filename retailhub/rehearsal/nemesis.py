"""Strikes at its time, and counts only what really landed."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable

import psycopg
import redis

from retailhub.rehearsal.estate import WORKERS, Estate
from retailhub.rehearsal.plan import KILLS, Plan, Planned, Strike

# The lease (timeout and margin in compressed time), a sweep, the settle time and the next claim.
PAUSE_SECONDS = 18.0
MAX_STOPPED = 2  # somebody must be there to take over
# A strike that finds nothing to hit tries again this long, so that faults land rather than pass by.
PATIENCE = 100.0

HOLDERS_SQL = """
SELECT lease_owner FROM connectors_outboundmessage WHERE state = 'SENDING'
 GROUP BY lease_owner HAVING count(*) >= %(rows)s
"""


class Nemesis:
    """Everything that goes wrong from outside. `look` is called all the time and is quick."""

    def __init__(self, plan: Plan, estate: Estate) -> None:
        self.planned = Counter(planned.strike for planned in plan.strikes())
        self.landed: Counter[Strike] = Counter()
        self._estate = estate
        self._luck = random.Random(f"{plan.seed}:targets")
        self._due = list(plan.strikes())
        self._diary = (estate.place.data / "nemesis.log").open("w", buffering=1)
        self._began = 0.0
        self._stopped: list[tuple[float, int]] = []

    @property
    def is_done(self) -> bool:
        return not self._due and not self._stopped

    @property
    def kills(self) -> tuple[int, int]:
        """How many kills were planned, and how many landed."""
        return (
            sum(self.planned[strike] for strike in KILLS),
            sum(self.landed[strike] for strike in KILLS),
        )

    def begin(self) -> None:
        """The first order goes out now."""
        self._began = time.monotonic()

    def look(self) -> None:
        """Strike if it is time, and let go of what was stopped for long enough."""
        self._let_go()
        elapsed = time.monotonic() - self._began
        for planned in [planned for planned in self._due if planned.at <= elapsed]:
            if self._strike(planned, elapsed):
                self._due.remove(planned)

    def _strike(self, planned: Planned, elapsed: float) -> bool:
        """Whether this one is behind us: it landed, or its time is long over."""
        landed = self._STRIKES[planned.strike](self)
        if landed:
            self.landed[planned.strike] += 1
        is_over = landed or elapsed > planned.at + PATIENCE
        if is_over:
            word = "landed" if landed else "missed"
            self._diary.write(f"{elapsed:7.2f} {planned.strike.value}: {word}\n")
        return is_over

    def end(self) -> None:
        """Nothing stays stopped."""
        for _, pid in self._stopped:
            _signal(pid, signal.SIGCONT)
        self._stopped.clear()

    def _let_go(self) -> None:
        now = time.monotonic()
        for entry in [entry for entry in self._stopped if entry[0] <= now]:
            _signal(entry[1], signal.SIGCONT)
            self._stopped.remove(entry)

    def _child(self) -> bool:
        children = self._children()
        return bool(children) and _signal(self._luck.choice(children), signal.SIGKILL)

    def _holder(self) -> bool:
        holders = self._holders(rows=1)
        return bool(holders) and _signal(self._luck.choice(holders), signal.SIGKILL)

    def _main(self) -> bool:
        pid = self._estate.process(self._luck.choice(WORKERS))
        return pid is not None and _kill_group(pid)

    def _web(self) -> bool:
        pid = self._estate.process("web")
        return pid is not None and _kill_group(pid)

    def _flush(self) -> bool:
        url = self._estate.redis_url
        with (
            contextlib.suppress(redis.exceptions.RedisError),
            redis.Redis.from_url(url, socket_timeout=5) as client,
        ):
            return bool(client.flushall())
        return False

    def _crash(self) -> bool:
        pid = self._estate.postmaster
        # What PostgreSQL calls an immediate shutdown: no checkpoint, recovery at the next start.
        return pid is not None and _signal(pid, signal.SIGQUIT)

    def _pause(self) -> bool:
        if len(self._stopped) >= MAX_STOPPED:
            return False
        for pid in self._holders(rows=2):
            if not _signal(pid, signal.SIGSTOP):
                continue
            if pid in self._holders(rows=2):
                self._stopped.append((time.monotonic() + PAUSE_SECONDS, pid))
                return True
            _signal(pid, signal.SIGCONT)  # it had just finished
        return False

    def _holders(self, *, rows: int) -> list[int]:
        """Children of our workers that are in the middle of a call."""
        with contextlib.suppress(psycopg.Error):
            with psycopg.connect(self._estate.database_url, connect_timeout=2) as database:
                found = database.execute(HOLDERS_SQL, {"rows": rows}).fetchall()
            ours = set(self._children())
            held = [int(owner.rpartition(":")[2]) for (owner,) in found]
            return sorted(pid for pid in held if pid in ours)
        return []

    def _children(self) -> list[int]:
        mains = {pid for name in WORKERS if (pid := self._estate.process(name)) is not None}
        stopped = {pid for _, pid in self._stopped}
        pairs = parents()
        return sorted(pid for pid, parent in pairs if parent in mains and pid not in stopped)

    _STRIKES: dict[Strike, Callable[[Nemesis], bool]] = {
        Strike.CHILD: _child,
        Strike.HOLDER: _holder,
        Strike.MAIN: _main,
        Strike.WEB: _web,
        Strike.FLUSH: _flush,
        Strike.CRASH: _crash,
        Strike.PAUSE: _pause,
    }


def parents() -> list[tuple[int, int]]:
    """Every process of this machine with its parent."""
    said = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], check=True, capture_output=True, text=True
    ).stdout
    rows = [line.split() for line in said.splitlines()]
    return [(int(pid), int(parent)) for pid, parent, state in rows if not state.startswith("Z")]


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _kill_group(pid: int) -> bool:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
