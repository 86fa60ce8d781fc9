"""Keeps processes alive: what dies is started again, what is asked to stop stops completely."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from retailhub.local.programs import Unusable
from retailhub.local.reaper import Reaper

HEALTHY = 5.0  # a process that lived this long was not broken from the start
HOPELESS = 8  # early deaths in a row after which another try is only noise
LOOK_EVERY = 0.05
SOON = 0.3
PATIENCE = 10.0


@dataclass
class Kept:
    """A process to keep: how it starts and how it likes to be stopped."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    account: tuple[int, int] | None = None
    log: Path | None = None  # without one it speaks through us, each line with its name
    stop_with: signal.Signals = signal.SIGTERM
    last: bool = False  # the others need it: stop it after them
    tries: int = HOPELESS
    make_way: Callable[[], None] = lambda: None

    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started_at: float = field(default=0.0, init=False)
    due_at: float = field(default=0.0, init=False)
    early_deaths: int = field(default=0, init=False)


class Keeper:
    """Starts, watches and stops. SIGINT, SIGTERM and SIGHUP ask it to stop; twice, to hurry."""

    def __init__(self, reaper: Reaper, *, leave_with_parent: bool = False) -> None:
        self._reaper = reaper
        self._kept: list[Kept] = []
        self._parent = os.getppid() if leave_with_parent else None
        self._asked_to_stop = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    @property
    def stopping(self) -> bool:
        return self._asked_to_stop > 0

    def keep(self, kept: Kept) -> None:
        """Starts `kept`, and from now on again whenever it ends."""
        self._kept.append(kept)
        self._start(kept)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Returns when `ready`, or when we are asked to stop before that."""
        while not self.stopping and not ready():
            self.look()
            time.sleep(LOOK_EVERY)

    def look(self) -> None:
        """Starts again what has died. Raises Unusable when something cannot live."""
        if self._parent is not None and os.getppid() != self._parent:
            self._asked_to_stop = max(1, self._asked_to_stop)
        for kept in self._kept:
            if kept.process is not None and kept.process.poll() is not None:
                self._bury(kept, kept.process)
            if kept.process is None and time.monotonic() >= kept.due_at and not self.stopping:
                self._start(kept)

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], output: IO[str] | None = None
    ) -> int:
        """Runs `command` in front, with the terminal if there is one, while the others are kept."""
        try:
            process = subprocess.Popen(command, env=environment, stdout=output, process_group=0)
        except OSError as error:
            raise Unusable(f"{command[0]} cannot be run: {error.strerror}") from error
        self._reaper.adopt(process.pid, stop_with=signal.SIGTERM)
        try:
            with _terminal_lent_to(process.pid):
                while process.poll() is None and not self.stopping:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(LOOK_EVERY)
                    self.look()
        finally:
            if process.poll() is None:
                _signal_group(process.pid, signal.SIGTERM)
            self._see_out([process])
        return process.returncode if process.returncode >= 0 else 128 - process.returncode

    def stop(self) -> None:
        """Stops everything, the servers last, and leaves no process behind."""
        self._asked_to_stop = max(1, self._asked_to_stop)
        for last in (False, True):
            turn = [(kept, kept.process) for kept in self._kept if kept.last is last]
            for kept, process in turn:
                if process is not None and process.poll() is None:
                    process.send_signal(kept.stop_with)
            self._see_out([process for _, process in turn if process is not None])
        self._kept.clear()

    def _start(self, kept: Kept) -> None:
        kept.make_way()
        user, group = kept.account or (None, None)
        output = kept.log.open("ab") if kept.log else subprocess.PIPE
        kept.process = subprocess.Popen(
            kept.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=kept.environment,
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=None if kept.account is None else [],
        )
        self._reaper.adopt(kept.process.pid, stop_with=kept.stop_with, last=kept.last)
        kept.started_at = time.monotonic()
        if kept.process.stdout is not None:
            speaker = (kept.name, kept.process.stdout)
            threading.Thread(target=_repeat, args=speaker, daemon=True).start()
        elif not isinstance(output, int):
            output.close()

    def _bury(self, kept: Kept, process: subprocess.Popen[bytes]) -> None:
        self._see_out([process])
        kept.process = None
        now = time.monotonic()
        kept.early_deaths = kept.early_deaths + 1 if now - kept.started_at < HEALTHY else 0
        kept.due_at = now + min(SOON * 2**kept.early_deaths, 3)
        if kept.early_deaths >= kept.tries:
            raise Unusable(f"{kept.name} does not stay up ({_ending(process)}).{_last_words(kept)}")
        if not kept.last or kept.early_deaths == 0:
            print(
                f"retailhub: {kept.name} ended ({_ending(process)}); starting it again", flush=True
            )

    def _see_out(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        """Waits for those that were asked to end, and ends what is left of their groups."""
        deadline = time.monotonic() + PATIENCE
        while any(process.poll() is None for process in processes):
            if time.monotonic() > deadline or self._asked_to_stop > 1:
                break
            time.sleep(0.02)
        for process in processes:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()
            self._reaper.forget(process.pid)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop += 1


def say(text: str) -> None:
    """Prints `text`; where nobody listens any more, that is no reason to fail."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for as long as we live


@contextlib.contextmanager
def _terminal_lent_to(group: int) -> Iterator[None]:
    """Ctrl-C and the keyboard belong to `group` for a while, where we had them."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        yield
        return
    with os.fdopen(terminal, "rb", buffering=0):
        if os.tcgetpgrp(terminal) != os.getpgrp():
            yield
            return
        # Taking the terminal back from the background would otherwise stop us.
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        _hand_over(terminal, group)
        try:
            yield
        finally:
            _hand_over(terminal, os.getpgrp())
            signal.signal(signal.SIGTTOU, before)


def _hand_over(terminal: int, group: int) -> None:
    with contextlib.suppress(OSError):  # it may have ended already
        os.tcsetpgrp(terminal, group)
        os.killpg(group, signal.SIGCONT)


def _signal_group(group: int, number: signal.Signals) -> None:
    # macOS says EPERM of a group that holds only zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _repeat(name: str, lines: IO[bytes]) -> None:
    with lines:
        for line in lines:
            say(f"{name:<9} | {line.decode(errors='replace')}")


def _ending(process: subprocess.Popen[bytes]) -> str:
    if process.returncode < 0:
        return signal.Signals(-process.returncode).name
    return f"exit code {process.returncode}"


def _last_words(kept: Kept) -> str:
    if kept.log is None:
        return ""
    return "\n" + "\n".join(kept.log.read_text(errors="replace").splitlines()[-12:])
