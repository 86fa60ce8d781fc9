"""Everything that runs in one rehearsal: servers, product and estate, private and kept alive."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from retailhub.local.keeper import HOPELESS, Keeper, Kept
from retailhub.local.place import Place, ephemeral_place
from retailhub.local.postgres import start_postgres
from retailhub.local.product import AS_ROOT, Address, Ports, processes
from retailhub.local.reaper import Reaper
from retailhub.local.valkey import start_valkey
from retailhub.rehearsal.plan import TIME_SCALE, Plan
from retailhub.sandbox.run import NAMES

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS = ("worker", "p0")
# Every process says what it has to say into a file of its own.
QUIET = "WARNING"


class GivenUp(Exception):
    """The rehearsal can't go on: what it needs does not come up, or it was asked to stop."""


@dataclass
class Estate:
    """Everything that runs during a rehearsal."""

    place: Place
    keeper: Keeper
    reaper: Reaper
    environment: dict[str, str]
    web: Address
    sandbox_ports: dict[str, int]
    kept: dict[str, Kept] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def redis_url(self) -> str:
        return self.environment["REDIS_URL"]

    @property
    def sandbox_data(self) -> Path:
        return Path(self.environment["SANDBOX_DATA"])

    @property
    def producer_data(self) -> Path:
        return self.place.data / "producer"

    @property
    def postgres_log(self) -> Path:
        return self.place.data / "postgres.log"

    @property
    def postmaster(self) -> int | None:
        """PostgreSQL's first process, or None while it is down."""
        for file in self.place.data.glob("postgres/*/postmaster.pid"):
            with contextlib.suppress(OSError, ValueError):
                return int(file.read_text().split("\n", 1)[0])
        return None

    def process(self, name: str) -> int | None:
        """The process of this name in the Procfile, or None while it is down."""
        process = self.kept[name].process
        return process.pid if process is not None and process.poll() is None else None

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Keep everything alive until `ready`. Raises `GivenUp` when it takes too long."""
        until = time.monotonic() + seconds
        with _silent():
            self.keeper.wait_until(lambda: ready() or time.monotonic() > until)
        if self.keeper.stopping:
            raise GivenUp("asked to stop")
        if time.monotonic() > until:
            raise GivenUp(f"{what} took more than {seconds:g} seconds")

    def look(self) -> None:
        """Start again what has died."""
        with _silent():
            self.keeper.look()

    def run(self, *arguments: str) -> None:
        """Run a program of ours to its end. Raises `GivenUp` when it fails."""
        log = self.place.data / "stage.log"
        with log.open("w") as output, _silent():
            code = self.keeper.run([sys.executable, *arguments], self.environment, output)
        if code:
            raise GivenUp(f"{' '.join(arguments)} failed:\n{log.read_text()[-2000:]}")

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A program of ours beside the others; it ends with us, and nobody restarts it."""
        with (self.place.data / "producer.log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.reaper.adopt(process.pid, stop_with=15)
        return process

    def control(self, system: str, path: str, values: Mapping[str, Any] | None = None) -> Any:
        """Steer a simulated system, or read how it stands."""
        url = f"http://127.0.0.1:{self.sandbox_ports[system]}/_sandbox{path}"
        method = "GET" if values is None else "PUT"
        answer = httpx.request(method, url, json=values, timeout=20, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def calm(self) -> None:
        """No faults any more, at any system."""
        for port in self.sandbox_ports.values():
            url = f"http://127.0.0.1:{port}/_sandbox/faults"
            httpx.delete(url, timeout=20, trust_env=False).raise_for_status()


@contextlib.contextmanager
def estate(plan: Plan) -> Iterator[Estate]:
    """Servers that write through to the disk, and nothing of ours left behind afterwards."""
    if os.geteuid() == 0:
        os.umask(0o022)  # PostgreSQL's account must come through the directories we make
    place = ephemeral_place()
    reaper = Reaper(holds=place.locks)
    reaper.remove_at_end(place.run)
    keeper = Keeper(reaper)
    ports = Ports()
    try:
        # Durable: this database is crashed on purpose and must come back with what it promised.
        urls = {
            "DATABASE_URL": start_postgres(keeper, place, durable=True),
            "REDIS_URL": start_valkey(keeper, place, durable=False),
        }
        sandbox = {name: ports.claim("127.0.0.1", 19201 + 40 * at) for at, name in enumerate(NAMES)}
        web = Address("127.0.0.1", ports.claim("127.0.0.1", 18200))
        told = _environment(plan, place, web, sandbox)
        yield Estate(place, keeper, reaper, os.environ | urls | told, web, sandbox)
    finally:
        with _silent():
            keeper.stop()
        reaper.finish()
        ports.release()


def _environment(
    plan: Plan, place: Place, web: Address, sandbox: Mapping[str, int]
) -> dict[str, str]:
    (place.data / "producer").mkdir()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {
        "HOST": web.host,
        "PORT": str(web.port),
        "HUB_URL": str(web),
        "PATH": path,
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": AS_ROOT,
        "RETAILHUB_DATA": str(place.data),
        "RETAILHUB_ENVIRONMENT": "development",
        "RETAILHUB_FAILPOINTS": plan.failpoints,
        "REHEARSAL_BROKEN": plan.broken,
        "LOG_LEVEL": QUIET,
        "POLICY_TIME_SCALE": str(TIME_SCALE),
        "SANDBOX_DATA": str(place.data / "sandbox"),
        "SANDBOX_RATE": "0",
        "SANDBOX_FAULTS": json.dumps({}),
        **{f"SANDBOX_{name.upper()}_PORT": str(port) for name, port in sandbox.items()},
    }


def start_processes(made: Estate, plan: Plan, only: tuple[str, ...]) -> None:
    """Start the named processes of the Procfile; a planted bug starts them through its own door."""
    for name, command in processes((ROOT / "Procfile").read_text()):
        if name not in only:
            continue
        log = made.place.data / f"{name}.log"
        kept = Kept(
            name,
            ["/bin/sh", "-c", f"exec {_through(plan, command)}"],
            made.environment,
            log=log,
            # Many die young here because they are killed; what can't live shows by doing nothing.
            tries=HOPELESS + plan.kills,
        )
        made.kept[name] = kept
        made.keeper.keep(kept)


def _through(plan: Plan, command: str) -> str:
    if not plan.broken:
        return command
    command = command.replace("-A retailhub ", "-A retailhub.rehearsal.broken_worker ")
    return command.replace("retailhub.asgi:", "retailhub.rehearsal.broken_web:")


def _silent() -> contextlib.AbstractContextManager[Any]:
    # The keeper says of each process that it ended and starts again: here that is the plan.
    return contextlib.redirect_stdout(open(os.devnull, "w"))
