"""The whole estate over real HTTP: the sandbox in a process of its own, our door, our steps."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from connectors.drains import drain_inbox, drain_outbox
from connectors.models import Connection, InboundMessage
from connectors.services import clients
from connectors.services.deliver import sweep_expired_leases
from orders.drains import advance_orders
from orders.models import Order
from retailhub.asgi import Application
from retailhub.demo import seed_demo
from retailhub.sandbox.ledger import Ledger, read_ledger
from tests.browser.serving import serving
from tests.flows.systems import PATIENCE, Systems

FAST = {"received_s": 0.05, "picked_s": 0.05, "packed_s": 0.05, "shipped_s": 0.05,
        "delivered_s": 0.1, "short_share": 0, "partial_share": 0}  # fmt: skip


@dataclass
class Estate:
    """The simulated systems, and the steps of our workers, taken when a test says so."""

    systems: Systems
    data: Path

    def control(self, system: str, path: str, method: str = "PUT", /, **values: Any) -> Any:
        """Turn a knob of a simulated system."""
        return self.systems.ask(method, system, path, json=values)

    def place(self, count: int = 1, **more: Any) -> list[dict[str, Any]]:
        """Customers order; the shop knocks at our door by itself."""
        mix = {"mix": dict.fromkeys(_PLAIN, 0), "seed": 7, **more}
        placed = self.control("shop", "orders", "POST", count=count, **mix)
        return list(placed["orders"])

    def ledger(self, system: str) -> Ledger:
        """What a system really applied."""
        return read_ledger(self.data / system)

    def applied(self, system: str, kind: str) -> Counter[str]:
        """How often each reference got an effect of `kind`."""
        return Counter(self.ledger(system).count_by_reference(kind))

    def work_until(self, is_so: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Let the workers look until `is_so`; fails when it never is."""
        limit = time.monotonic() + patience
        while not is_so():
            assert time.monotonic() < limit, _where_it_stands()
            if drain_inbox() + advance_orders() + drain_outbox() == 0:
                sweep_expired_leases(now=timezone.now())
                time.sleep(0.05)


_PLAIN = ("unknown_sku", "test", "tip", "gift_card", "custom_line", "huge_id", "no_customer",
          "presentment_usd", "discount")  # fmt: skip


def _where_it_stands() -> str:
    orders = Counter(Order.objects.values_list("state", "held_for"))
    owed = Counter(
        (kind, state, error[:80])
        for connection in Connection.objects.order_by("pk")
        for kind, state, error in connection.outbound.values_list("kind", "state", "error_detail")
    )
    heard = Counter(InboundMessage.objects.values_list("topic", "state", "error_detail", "lane"))
    return f"orders {dict(orders)}, owed {dict(owed)}, heard {dict(heard)}"


@pytest.fixture(scope="session")
def systems() -> Iterator[Systems]:
    """Started for the first flow, and kept."""
    made = Systems()
    yield made
    made.close()


@pytest.fixture
def estate(
    systems: Systems, transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Estate]:
    """Shop, ERP and warehouse run, are connected, and deliver within tenths of a second."""
    monkeypatch.setitem(django_settings.DATABASES["default"], "CONN_MAX_AGE", 0)
    for name, port in systems.variables.items():
        monkeypatch.setenv(name, port)
    with serving(Application()) as hub, systems.serving(hub, tmp_path):
        made = Estate(systems, tmp_path)
        made.control("wms", "progress", "PUT", **FAST)
        seed_demo(now=timezone.now(), with_people=False)
        Connection.objects.update(settle_seconds=0.5, timeout_seconds=2, poll_seconds=0)
        yield made
        clients.close_all()
