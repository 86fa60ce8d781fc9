"""An order at a node, with every system well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from connectors.models import Connection
from exceptions import watch
from orders.models import Order
from tests.conftest import PlaceOrder, Stock
from tests.exceptions.watch.steps import DAY


@pytest.fixture(autouse=True)
def _nothing_goes_unwatched(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    failed = [record for record in caplog.records if record.name == watch.__name__]
    assert [record.getMessage() for record in failed] == []


@pytest.fixture(autouse=True)
def _systems(shop: Connection, erp: Connection, wms: Connection) -> None:
    """All well for a long time."""
    Connection.objects.update(health_since=timezone.now() - DAY)


@pytest.fixture
def order(stock: Stock, place: PlaceOrder) -> Order:
    """Placed at a node; nobody outside has answered."""
    stock("MUG", 50)
    return place("1001")
