"""One uvicorn process under test, and pgbench."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from retailhub.local.product import Ports
from retailhub.local.programs import postgres_directory


@dataclass(frozen=True)
class Server:
    """A web server that is up."""

    pid: int
    port: int


@contextmanager
def serving(*application: str, environment: Mapping[str, str] = {}) -> Iterator[Server]:
    """uvicorn with one process, as the Procfile starts it."""
    ports = Ports()
    port = ports.claim("127.0.0.1", 19_900)
    command = [
        *(sys.executable, "-m", "uvicorn", *application),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--no-access-log"),
    ]
    process = subprocess.Popen(command, env=os.environ | environment)
    try:
        _wait_for(port, process)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(timeout=20)
        ports.release()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as knocking:
            if knocking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the server under test did not start")


def pgbench(script: Path, *, clients: int, seconds: int, values: Mapping[str, str]) -> float:
    """Transactions per second of `script`, its `:names` bound to `values`."""
    command = [
        *(str(postgres_directory() / "pgbench"), "--no-vacuum", "--protocol=prepared"),
        *(f"--client={clients}", f"--time={seconds}", f"--file={script}"),
        *(f"--define={name}={value}" for name, value in values.items()),
        os.environ["DATABASE_URL"],
    ]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    found = re.search(r"tps = ([\d.]+)", ran.stdout)
    if ran.returncode or found is None:
        raise RuntimeError(f"pgbench said: {ran.stderr[-2000:]}")
    return float(found[1])
