"""An order of two mugs at a node that holds five."""

from __future__ import annotations

import pytest

from inventory.models import StockLevel
from orders.models import Order
from tests.conftest import PlaceOrder, Stock, line


@pytest.fixture
def mugs(stock: Stock) -> StockLevel:
    return stock("MUG", 5)


@pytest.fixture
def order(place: PlaceOrder, mugs: StockLevel) -> Order:
    return place("1001", line(quantity=2))
