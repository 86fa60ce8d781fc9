"""Runs the simulated systems: all in one process, or one alone."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvicorn

from retailhub.sandbox import credentials
from retailhub.sandbox.erp.system import Erp
from retailhub.sandbox.faults import FaultSettings, change_settings
from retailhub.sandbox.marketplace.system import Marketplace
from retailhub.sandbox.shop.system import Shop
from retailhub.sandbox.system import System
from retailhub.sandbox.wms.system import Wms

DELIVERY_INTERVAL_S: Final = 5.0
NAMES: Final = ("shop", "erp", "wms", "market")


@dataclass(frozen=True)
class Plan:
    """Where the systems listen, whom they tell, and how they misbehave from the start."""

    data: Path = Path(".data/sandbox")
    hub: str = "http://127.0.0.1:8000"
    rate: float = 20.0
    host: str = "127.0.0.1"
    ports: Mapping[str, int] = field(
        default_factory=lambda: {"shop": 9101, "erp": 9102, "wms": 9103, "market": 9104}
    )
    hooks: Mapping[str, str] = field(
        default_factory=lambda: {
            "shop": credentials.SHOP_HOOK_PATH,
            "wms": credentials.WMS_HOOK_PATH,
        }
    )
    faults: Mapping[str, FaultSettings] = field(default_factory=dict)

    def address(self, name: str) -> str:
        return f"http://{self.host}:{self.ports[name]}"


def plan_from_environment(environment: Mapping[str, str] | None = None) -> Plan:
    """The plan that HUB_URL and the SANDBOX_* variables ask for."""
    given = os.environ if environment is None else environment
    plan = Plan()
    return Plan(
        data=Path(given.get("SANDBOX_DATA", str(plan.data))),
        hub=given.get("HUB_URL", plan.hub),
        rate=float(given.get("SANDBOX_RATE", plan.rate)),
        host=given.get("SANDBOX_HOST", plan.host),
        ports={
            name: int(given.get(f"SANDBOX_{name.upper()}_PORT", plan.ports[name])) for name in NAMES
        },
        hooks={
            name: given.get(f"SANDBOX_{name.upper()}_HOOK", path)
            for name, path in plan.hooks.items()
        },
        faults=read_faults(given.get("SANDBOX_FAULTS", "{}")),
    )


def read_faults(text: str) -> dict[str, FaultSettings]:
    """Faults from the start, as JSON: {"erp": {"error_5xx_after": 0.1}}. Raises SettingError."""
    return {
        name: change_settings(FaultSettings(), values) for name, values in json.loads(text).items()
    }


def build(plan: Plan, name: str) -> System:
    """The system of this name, not yet serving."""
    makers: dict[str, Callable[[], System]] = {
        "shop": lambda: Shop(
            plan.data, plan.hub + plan.hooks["shop"], plan.rate, plan.faults.get("shop")
        ),
        "erp": lambda: Erp(plan.data, plan.faults.get("erp")),
        "wms": lambda: Wms(
            plan.data,
            plan.hub + plan.hooks["wms"],
            plan.faults.get("wms"),
            # Where customers buy by themselves, goods come in by themselves.
            delivery_interval_s=DELIVERY_INTERVAL_S if plan.rate else 0.0,
        ),
        "market": lambda: Marketplace(plan.data, plan.faults.get("market")),
    }
    return makers[name]()


class Server(uvicorn.Server):
    """A server that leaves the signals to the one who runs several of them."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


def config_for(system: System, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        system.gate,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        # A proxy in front would hide the connection that a fault wants to drop.
        proxy_headers=False,
        timeout_graceful_shutdown=3,
    )


async def serve(plan: Plan, names: tuple[str, ...] = NAMES) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is being answered."""
    servers = [Server(config_for(build(plan, name), plan.host, plan.ports[name])) for name in names]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await asyncio.gather(*(server.serve() for server in servers))
