"""Where do the servers keep their data and their sockets, and is anyone else there already?"""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from retailhub.local.programs import Unusable
from retailhub.local.reaper import alive

PREFIX = "retailhub-"
LONGEST_SOCKET = 100  # the system's own limit is 104 to 108 bytes
INHERITANCE = 15.0  # how long a killed run's heir may take to clean up


@dataclass(frozen=True)
class Place:
    """`data` outlives us unless it lies in `run`; `run` (sockets, staged programs) never does."""

    data: Path
    run: Path
    locks: tuple[int, ...]


class AlreadyRunning(Unusable):
    """Someone lives here; `facts` is what they left at the door."""

    def __init__(self, facts: dict[str, str]) -> None:
        self.facts = facts
        where = f" at {facts['web']}" if "web" in facts else ""
        super().__init__(
            f"RetailHub already runs here{where} (process {facts.get('pid', 'unknown')})."
            f" Stop it with ctrl-C where it was started, or: kill {facts.get('pid', '…')}"
        )


def ephemeral_place() -> Place:
    """A new place that nobody shares and nothing survives."""
    run, lock = _run_directory()
    (run / "data").mkdir()
    return Place(data=run / "data", run=run, locks=(lock,))


def kept_place(data: Path) -> Place:
    """The place of this checkout. Raises AlreadyRunning when it is taken."""
    data.mkdir(parents=True, exist_ok=True)
    door = _lock_when_free(data / "lock")
    run, lock = _run_directory()
    return Place(data=data, run=run, locks=(door, lock))


def tell(place: Place, **facts: str) -> None:
    """Leaves at the door what the next caller may want to know."""
    told = {"pid": str(os.getpid()), **facts}
    os.ftruncate(place.locks[0], 0)
    os.pwrite(place.locks[0], json.dumps(told).encode(), 0)


def _lock_when_free(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + INHERITANCE
    while not _taken(lock):
        facts = _told(path)
        # When the keeper is gone, the lock is its heir's, who is about to finish.
        if alive(int(facts.get("pid", os.getpid()))) or time.monotonic() > deadline:
            os.close(lock)
            raise AlreadyRunning(facts)
        time.sleep(0.2)
    os.ftruncate(lock, 0)
    return lock


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _told(path: Path) -> dict[str, str]:
    try:
        facts = json.loads(path.read_text())
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in facts.items()}


def _run_directory() -> tuple[Path, int]:
    _sweep()
    run = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    if len(str(run / "postgres" / ".s.PGSQL.5432")) > LONGEST_SOCKET:
        run.rmdir()
        raise Unusable(f"{run.parent} is too long a path for sockets; set TMPDIR to a shorter one.")
    if os.geteuid() == 0:
        run.chmod(0o711)  # PostgreSQL is never root and must get through
    lock = os.open(run / "owner", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return run, lock


def _sweep() -> None:
    """Removes what runs left behind that were killed together with their heirs."""
    for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/owner"):
        with contextlib.suppress(OSError):
            # A directory of this minute may be one whose lock is just being taken.
            if (
                time.time() - owner.stat().st_mtime > 60
                and owner.parent.stat().st_uid == os.geteuid()
            ):
                lock = os.open(owner, os.O_RDWR)
                if _taken(lock):
                    shutil.rmtree(owner.parent, ignore_errors=True)
                os.close(lock)
