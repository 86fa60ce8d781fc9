"""The three systems start together, answer, and stop cleanly when asked to."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from retailhub.local.product import Ports
from retailhub.sandbox.faults import SettingError
from retailhub.sandbox.run import NAMES, plan_from_environment, read_faults

SERVE = """
import asyncio
from retailhub.sandbox.run import plan_from_environment, serve
asyncio.run(serve(plan_from_environment()))
"""


def test_the_environment_decides_where_everything_is() -> None:
    plan = plan_from_environment({"HUB_URL": "http://hub:1", "SANDBOX_WMS_PORT": "7", "PATH": "x"})

    assert (plan.hub, plan.ports["wms"], plan.ports["shop"]) == ("http://hub:1", 7, 9101)
    assert (plan.data, plan.rate) == (Path(".data/sandbox"), 20.0)


def test_faults_can_be_there_from_the_start() -> None:
    assert read_faults('{"erp": {"lost_response": 0.5}}')["erp"].lost_response == 0.5
    with pytest.raises(SettingError, match="unknown setting 'colour'"):
        read_faults('{"erp": {"colour": 1}}')


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_three_serve_until_a_signal_and_leave_with_status_nought(
    tmp_path: Path, number: signal.Signals
) -> None:
    claims = Ports()
    ports = {
        f"SANDBOX_{name.upper()}_PORT": str(claims.claim("127.0.0.1", 19_700)) for name in NAMES
    }
    environment = {**os.environ, **ports, "SANDBOX_DATA": str(tmp_path), "SANDBOX_RATE": "600"}
    process = subprocess.Popen([sys.executable, "-c", SERVE], env=environment)
    try:
        for port in ports.values():
            assert _health(f"http://127.0.0.1:{port}")["status"] == "ok"
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        claims.release()


def _health(address: str) -> dict[str, object]:
    deadline = time.monotonic() + 60
    while True:
        try:
            answer = httpx.get(f"{address}/_sandbox/health", trust_env=False)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            health: dict[str, object] = answer.json()
            return health
