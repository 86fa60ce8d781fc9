"""Who cleans up when the keeper was killed? An heir: it outlives the keeper and ends what it left.

The keeper writes one line for each process it starts or sees end, and one for each directory to
remove. When the pipe closes, for whatever reason, the heir stops what is still on its list.
Run as a script, it imports nothing of ours.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

PATIENCE = 4.0


class Reaper:
    """The keeper's end of the pipe. A reaper that was killed is replaced, and told everything."""

    def __init__(self, holds: Sequence[int] = ()) -> None:
        """`holds` are locks that stay taken until the cleaning is done."""
        self._holds = tuple(holds)
        self._known: dict[str, str] = {}
        self._process = self._spawn()

    def adopt(self, pid: int, *, stop_with: int, last: bool = False) -> None:
        """From now on `pid` and its group end with us. Those that go `last` wait for the others."""
        self._tell(str(pid), f"adopt {pid} {int(stop_with)} {int(last)}")

    def forget(self, pid: int) -> None:
        """`pid` is gone; its number may come back as someone else's."""
        self._known.pop(str(pid), None)
        self._write(f"forget {pid}")

    def remove_at_end(self, directory: Path) -> None:
        self._tell(str(directory), f"remove {directory}")

    def finish(self) -> None:
        """Cleans up now, and returns when it is done."""
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def _tell(self, key: str, line: str) -> None:
        self._known[key] = line
        self._write(line)

    def _write(self, line: str) -> None:
        if self._process.poll() is not None:
            self._process = self._spawn()
            return
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _spawn(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=self._holds,
            start_new_session=True,
            cwd="/",
            text=True,
        )
        assert process.stdin is not None  # noqa: S101 - for the type checker
        process.stdin.writelines(f"{line}\n" for line in self._known.values())
        process.stdin.flush()
        return process


def alive(pid: int) -> bool:
    """Whether a process `pid` runs, whoever it may be."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # In a container nobody may be there to bury the dead: they keep their number, and that is all.
    with contextlib.suppress(OSError):
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    return True


def _read(lines: Iterable[str]) -> tuple[dict[int, tuple[int, bool]], list[Path]]:
    adopted: dict[int, tuple[int, bool]] = {}
    directories: list[Path] = []
    for line in lines:
        verb, rest = line.rstrip("\n").split(" ", 1)
        if verb == "adopt":
            pid, stop_with, last = map(int, rest.split())
            adopted[pid] = (stop_with, bool(last))
        elif verb == "forget":
            adopted.pop(int(rest), None)
        else:
            directories.append(Path(rest))
    return adopted, directories


def _end(processes: dict[int, int]) -> None:
    for pid, stop_with in processes.items():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop_with)
    deadline = time.monotonic() + PATIENCE
    while any(alive(pid) for pid in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    adopted, directories = _read(sys.stdin)
    for turn in (False, True):
        _end({pid: stop_with for pid, (stop_with, last) in adopted.items() if last is turn})
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
