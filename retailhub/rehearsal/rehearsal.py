"""One rehearsal from the first process to the verdict."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from retailhub.rehearsal import producer
from retailhub.rehearsal.collect import collect
from retailhub.rehearsal.estate import Estate, GivenUp, estate, start_processes
from retailhub.rehearsal.evidence import Evidence
from retailhub.rehearsal.invariants import violations
from retailhub.rehearsal.nemesis import Nemesis
from retailhub.rehearsal.plan import Plan
from retailhub.rehearsal.quiet import Quiet
from retailhub.rehearsal.tally import Tally, tally
from retailhub.sandbox.clock import ledger_stamp
from retailhub.sandbox.run import NAMES

# The floor works in seconds what takes a day; half of the parcels leave in two.
PROGRESS = {
    "received_s": 0.3,
    "picked_s": 0.5,
    "packed_s": 0.3,
    "shipped_s": 0.5,
    "delivered_s": 0.8,
    "jitter_share": 0.5,
    "short_share": 0.0,
    "partial_share": 0.5,
    "count_interval_s": 0.5,
    "delivery_interval_s": 0.5,
}
STAGE = "from retailhub.rehearsal.stage import prepare; prepare()"
UP_SECONDS = 120.0
# The storm goes on until what is left to do is this small a part of the orders.
LEFT_OVER = 0.25


@dataclass
class Result:
    """What a rehearsal found and what it took."""

    plan: Plan
    found: dict[str, list[str]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    seconds: dict[str, float] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    unsettled: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        return sum(map(len, self.found.values())) + (1 if self.unsettled else 0)


def rehearse(plan: Plan, *, say: Callable[[str], None], keep: Path | None = None) -> Result:
    """Run `plan`. Raises `GivenUp` when it can't be run at all."""
    result = Result(plan)
    with estate(plan) as made:
        try:
            with _timed(result, "set up"):
                teller = _set_up(made, plan, say)
            nemesis = Nemesis(plan, made)
            quiet = Quiet(made)
            with _timed(result, "storm"):
                _storm(made, plan, nemesis, teller, quiet)
                calm_at = _calm(made)
            with _timed(result, "settle"):
                _settle(made, plan, quiet, result)
            with _timed(result, "check"):
                result.evidence = collect(made)
                result.found = dict(violations(result.evidence))
                result.tally = tally(made, plan, nemesis, result.evidence, calm_at=calm_at)
        finally:
            if keep is not None:
                shutil.copytree(made.place.data, keep, ignore=shutil.ignore_patterns("postgres"))
    return result


@contextlib.contextmanager
def _timed(result: Result, name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    result.seconds[name] = time.monotonic() - began


def _set_up(made: Estate, plan: Plan, say: Callable[[str], None]) -> subprocess.Popen[bytes]:
    start_processes(made, plan, ("sandbox",))
    made.run("manage.py", "shell", "--no-imports", "-c", STAGE)
    start_processes(made, plan, ("web", "worker", "p0", "scheduler"))
    made.wait_until(lambda: all(_answers(made, name) for name in NAMES), UP_SECONDS, "the sandbox")
    _open_wide(made)
    asked = producer.Work(
        orders=plan.orders,
        seed=plan.seed,
        rate=plan.rate,
        hub=str(made.web),
        shop=f"http://127.0.0.1:{made.sandbox_ports['shop']}",
        folder=made.producer_data,
        is_calm=plan.calm,
    )
    text = json.dumps({**vars(asked), "folder": str(asked.folder)})
    teller = made.spawn("-m", "retailhub.rehearsal.producer", text)
    made.wait_until(lambda: _is_up(made), UP_SECONDS, "the web process")
    ready = made.producer_data / producer.READY
    made.wait_until(lambda: ready.exists() or _has_ended(teller), UP_SECONDS, "the producer")
    say(f"servers, product and estate are up; {plan.orders} orders wait in the shop")
    return teller


def _open_wide(made: Estate) -> None:
    """The vendors' own limits are not what is rehearsed here."""
    made.control("wms", "/progress", PROGRESS)
    made.control("erp", "/limits", {"concurrency": 100})
    wide = {"maximum_available": 1e6, "restore_rate": 1e5, "rest_bucket": 1e6}
    made.control("shop", "/limits", wide)
    for system in ("shop", "wms"):
        # They must not give up while the database is down.
        made.control(system, "/webhooks", {"first_retry_s": 0.3, "retries": 12})


def _storm(
    made: Estate,
    plan: Plan,
    nemesis: Nemesis,
    teller: subprocess.Popen[bytes],
    quiet: Quiet,
) -> None:
    for system in NAMES:
        made.control(system, "/faults", plan.faults)
    (made.producer_data / producer.GO).touch()
    nemesis.begin()
    until = time.monotonic() + plan.delivery_seconds + plan.storm_seconds

    def is_over() -> bool:
        nemesis.look()
        if not (nemesis.is_done and _has_ended(teller)):
            return False
        quiet()
        is_almost_done = 0 < sum(quiet.moving.values()) <= LEFT_OVER * plan.orders
        return quiet.is_at_rest or is_almost_done or time.monotonic() > until

    try:
        made.wait_until(is_over, plan.budget_seconds, "the storm")
    finally:
        nemesis.end()


def _calm(made: Estate) -> str:
    """No more faults, from the moment that is given back."""
    made.calm()
    made.control("wms", "/progress", {"count_interval_s": 0.0, "delivery_interval_s": 0.0})
    return ledger_stamp()


def _settle(made: Estate, plan: Plan, quiet: Quiet, result: Result) -> None:
    quiet.is_calm = True
    try:
        made.wait_until(quiet, plan.patience_seconds, "settling")
    except GivenUp:
        if made.keeper.stopping:
            raise
        moving = [f"{count} {what}" for what, count in quiet.moving.items()]
        result.unsettled = [f"not settled: {', '.join(moving)}", *quiet.specimens()]


def _answers(made: Estate, system: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return bool(made.control(system, "/health")["status"] == "ok")
    return False


def _is_up(made: Estate) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{made.web}/healthz", timeout=2, trust_env=False).is_success
    return False


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    code = process.poll()
    if code:
        raise GivenUp(f"the producer ended with code {code}")
    return code == 0
