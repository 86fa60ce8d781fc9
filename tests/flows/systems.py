"""The simulated systems, in a process of their own that is kept from flow to flow.

To start it and to import it takes longer than most flows. Each flow has systems without a past.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from retailhub.local.product import Ports
from retailhub.sandbox.run import NAMES
from tests.sandbox.estate import PLAIN

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
# Serves one estate after the other, each until it is asked to stop.
SERVE = """
import asyncio, json, sys
from retailhub.sandbox.run import plan_from_environment, serve
for line in sys.stdin:
    asyncio.run(serve(plan_from_environment(json.loads(line))))
    print("over", flush=True)
"""


class Systems:
    """Shop, ERP, warehouse and marketplace, each on a port that is ours while we run."""

    def __init__(self) -> None:
        self._claims = Ports()
        self.ports = {name: self._claims.claim("127.0.0.1", 19_600) for name in NAMES}
        self._http = httpx.Client(timeout=30, trust_env=False, verify=PLAIN)
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def serving(self, hub: str, data: Path) -> Iterator[None]:
        """A new estate that tells `hub` and writes its ledgers below `data`, until the end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"HUB_URL": hub, "SANDBOX_DATA": str(data), "SANDBOX_RATE": "0", **self.variables}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        try:
            self._wait()
            yield
        finally:
            self._process.terminate()
            assert self._process.stdout.readline() == "over\n", "the simulated systems died"

    @property
    def variables(self) -> Mapping[str, str]:
        """Where the systems are, as the environment of the product has it."""
        return {f"SANDBOX_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}

    def ask(self, method: str, system: str, path: str, **options: Any) -> Any:
        """What a control of a system answers."""
        url = f"http://127.0.0.1:{self.ports[system]}/_sandbox/{path}"
        answer = self._http.request(method, url, **options)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def close(self) -> None:
        """End the process."""
        self._http.close()
        self._process.communicate(timeout=PATIENCE)
        self._claims.release()

    def _wait(self) -> None:
        limit = time.monotonic() + PATIENCE
        for system in NAMES:
            while True:
                try:
                    self.ask("GET", system, "health")
                    break
                except httpx.TransportError:
                    assert time.monotonic() < limit, "the simulated systems did not start"
                    assert self._process.poll() is None, "the simulated systems died"
                    time.sleep(0.02)
