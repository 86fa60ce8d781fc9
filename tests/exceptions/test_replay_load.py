"""A replay of very many beside live orders: stopped in the first few, or finished unnoticed.

`REPLAY_CASES=5000 pytest tests/exceptions/test_replay_load.py -s` prints the numbers of a large
one. Windows with and without the replay take turns, so that a busy machine is busy in both.
"""

from __future__ import annotations

import math
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from connectors.events import EffectsStopped
from connectors.models import Connection, OutboundMessage
from connectors.registry import SINKS
from connectors.services.enqueue import Effect, enqueue_effects
from connectors.systems.base import Account, Intent, IntentKind, Receipt
from connectors.systems.http import HttpClient, RemoteRejected
from exceptions.models import ExceptionCase, ReplayRun, Team
from exceptions.services.select_cases import select_cases
from exceptions.services.start_run import start_run
from exceptions.services.steer_run import steer_run
from orders.models import Order
from retailhub.kernel.events import publish
from retailhub.kernel.trace import new_trace_id
from tests.browser.serving import working
from tests.browser.world import FakeSink, order_arrives
from tests.conftest import Stock
from tests.exceptions.runs import numbers

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CASES = int(os.environ.get("REPLAY_CASES", "50"))
ENOUGH = 5000
PER_SECOND = 4
# Seconds without the replay and beside it. A few cases go through in one turn.
WINDOWS = {"pause": 6.0, "resume": 6.0} if CASES >= ENOUGH else {"pause": 2.0, "resume": 60.0}


@dataclass
class Erp(FakeSink):
    """Refuses what is stuck until its `refusal` is taken away, and never a live order."""

    refusal: str = "Tax schedule is missing."

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        if self.refusal and ":S-" in intent.effect_key:
            raise RemoteRejected(self.refusal, status=400, answer=self.refusal)
        self.sent.append(intent.effect_key)
        return Receipt(external_id=f"{account.slug}-{len(self.sent)}")


@pytest.fixture
def netsuite(monkeypatch: pytest.MonkeyPatch) -> Erp:
    sink = Erp()
    for system in ("netsuite", "warehouse"):
        monkeypatch.setitem(SINKS, system, sink)
    return sink


@pytest.fixture
def stuck(erp: Connection, orders_team: Team) -> Callable[[int], None]:
    """So many effects that the ERP refused, each with its case."""

    def make(count: int) -> None:
        for first in range(0, count, 500):
            batch = range(first, min(first + 500, count))
            enqueue_effects(
                [
                    Effect(
                        connection_id=erp.pk, kind=IntentKind.POST_ORDER, reference=f"S-{n}",
                        lane=f"s:{n}", payload={}, trace_id=new_trace_id(),
                    )
                    for n in batch
                ],
                now=timezone.now(),
            )  # fmt: skip
        rows = OutboundMessage.objects.filter(reference__startswith="S-")
        rows.update(state="SENDING")
        rows.update(
            state="DEAD", attempts=1, error_code="connectors.rejected",
            error_detail="Tax schedule is missing.",
        )  # fmt: skip
        stopped = list(rows.order_by("pk").values_list("pk", flat=True))
        for first in range(0, count, 500):
            publish(EffectsStopped(message_ids=tuple(stopped[first : first + 500])))

    return make


@dataclass
class Live:
    """Customers who order all the time, and how long each waits until the order is placed."""

    shop: Connection
    took: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})
    is_beside: bool = False
    is_over: bool = False
    _open: dict[str, tuple[float, bool]] = field(default_factory=dict)

    def order(self) -> None:
        """Place orders at their pace until it is over."""
        try:
            number = 0
            while not self.is_over:
                number += 1
                self._open[f"L-{number}"] = (time.monotonic(), self.is_beside)
                order_arrives(self.shop, f"L-{number}")
                time.sleep(1 / PER_SECOND)
        finally:
            connection.close()

    def watch(self) -> None:
        """See which are placed by now."""
        try:
            while not self.is_over:
                waiting = list(self._open)
                placed = Order.objects.filter(external_id__in=waiting)
                for name in placed.exclude(state__in=["ACCEPTED", "RESERVED"]).values_list(
                    "external_id", flat=True
                ):
                    began, beside = self._open.pop(name)
                    self.took[beside].append(time.monotonic() - began)
                time.sleep(0.01)
        finally:
            connection.close()

    def p95(self, *, beside: bool) -> float:
        """The wait that 19 of 20 did not have, in milliseconds; of a single one, not known."""
        if len(self.took[beside]) < 2:
            return math.nan
        return statistics.quantiles(self.took[beside], n=20)[-1] * 1000


@pytest.fixture
def live(webshop: Connection, wms: Connection, stock: Stock) -> Iterator[Live]:
    stock("MUG", 50_000)
    made = Live(webshop)
    threads = [threading.Thread(target=work) for work in (made.order, made.watch)]
    for thread in threads:
        thread.start()
    yield made
    made.is_over = True
    for thread in threads:
        thread.join(timeout=60)


def start(user: User) -> ReplayRun:
    now = timezone.now()
    cases = ExceptionCase.objects.filter(outbound__reference__startswith="S-")
    return start_run(scope_id=select_cases(cases, by=user, now=now).pk, by=user, now=now)


def wait_for(run: ReplayRun, is_so: Callable[[], bool], seconds: float) -> None:
    limit = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < limit, numbers(run)
        time.sleep(0.1)
        run.refresh_from_db()


def test_stops_in_the_first_few_or_finishes_without_live_orders_noticing(
    netsuite: Erp, stuck: Any, mia: User, live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    stuck(CASES)
    refused = start(mia)
    with working():
        wait_for(refused, lambda: refused.state == "STOPPED", 60)
        assert numbers(refused) == {"FAILED": 5, "PENDING": CASES - 5}
        steer_run(run_id=refused.pk, verb="cancel", actor_id=mia.pk, now=timezone.now())
        wait_for(refused, lambda: refused.finished_at is not None, 30)

        netsuite.refusal = ""
        time.sleep(1)
        for waits in live.took.values():
            waits.clear()
        run, began = start(mia), time.monotonic()
        while run.finished_at is None:
            _take_turns(run, live, mia)
            assert time.monotonic() - began < 120 + CASES, numbers(run)
    without, beside = live.p95(beside=False), live.p95(beside=True)

    assert numbers(run) == {"DONE": CASES}
    keys = [key for key in netsuite.sent if ":S-" in key]
    assert len(keys) == len(set(keys)) == CASES
    change = (beside - without) / without
    with capsys.disabled():
        print(  # noqa: T201 - the measure is what this is for
            f"\n{CASES} cases, not fixed: {refused.stop_reason}"
            f"\n{CASES} cases, fixed: {numbers(run)}"
            f" in {time.monotonic() - began:.0f} s, half of it paused"
            f"\nlive orders, intake to placed, p95: {without:.0f} ms without, {beside:.0f} ms"
            f" beside it ({change:+.1%}; {len(live.took[False])} and {len(live.took[True])} orders)"
        )
    if CASES >= ENOUGH:  # a small sample, of a busy machine, swings by more than a tenth
        assert beside < without * 1.1


def _take_turns(run: ReplayRun, live: Live, user: User) -> None:
    for verb in ("pause", "resume"):
        run.refresh_from_db()
        if run.finished_at is not None:
            return
        if run.state in {"RUNNING", "PAUSED"}:
            steer_run(run_id=run.pk, verb=verb, actor_id=user.pk, now=timezone.now())
        live.is_beside = verb == "resume"
        limit = time.monotonic() + WINDOWS[verb]
        while time.monotonic() < limit and run.finished_at is None:
            time.sleep(0.1)
            run.refresh_from_db()
