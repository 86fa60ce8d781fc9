"""What must happen next is on the order's page, what did not is a tab of the queue."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connectors.models import Connection, MissedOrder
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope
from exceptions.models import ExceptionCase, Expectation
from exceptions.services.overdue import raise_overdue
from orders.models import Order
from retailhub.console.awaited import awaited_of
from tests.conftest import PlaceOrder, Stock
from tests.console.conftest import SignedIn

MINUTE = timedelta(minutes=1)


@pytest.fixture
def order(stock: Stock, place: PlaceOrder) -> Order:
    stock("MUG", 5)
    Connection.objects.update(health_since=timezone.now() - timedelta(days=1))
    return place("1001")


def told(order: Order, now: datetime) -> list[tuple[str, str, str]]:
    return [(row["label"], row["sla"].state, row["sla"].text) for row in awaited_of(order, now)]


def test_says_what_comes_next_and_how_long_it_may_take(order: Order) -> None:
    opened = Expectation.objects.earliest("pk").opened_at

    assert told(order, opened) == [
        ("In NetSuite", "ok", "15 m"),
        ("On the books of WMS Berlin", "ok", "1 h"),
    ]
    assert told(order, opened + 20 * MINUTE)[0] == ("In NetSuite", "over", "−5 m")
    Expectation.objects.update(paused_at=opened)
    assert told(order, opened)[0] == ("In NetSuite", "paused", "Paused")
    Expectation.objects.update(met_at=opened)
    assert told(order, opened) == []


def test_the_order_page_leads_to_the_case_of_what_did_not_happen(
    as_: SignedIn, mia: User, order: Order
) -> None:
    page = as_(mia).get(f"/orders/{order.pk}/").content.decode()
    assert "Expected next" in page

    raise_overdue(now=timezone.now() + 16 * MINUTE)

    case = ExceptionCase.objects.get()
    page = as_(mia).get(f"/orders/{order.pk}/").content.decode()
    assert f'<a class="link" href="/queue/{case.pk}/">In NetSuite</a>' in page


def test_the_queue_shows_what_never_happened_apart(as_: SignedIn, mia: User, order: Order) -> None:
    raise_overdue(now=timezone.now() + 16 * MINUTE)
    title = "Order #1001 is not in NetSuite after 15 min"

    assert title in as_(mia).get("/queue/?view=silent").content.decode()
    ExceptionCase.objects.update(code="orders.unexpected")
    assert title not in as_(mia).get("/queue/?view=silent").content.decode()


def test_a_case_says_why_it_can_not_be_replayed(as_: SignedIn, mia: User, order: Order) -> None:
    raise_overdue(now=timezone.now() + 16 * MINUTE)
    case = ExceptionCase.objects.get()
    assert "Look again" in as_(mia).get(f"/queue/{case.pk}/").content.decode()

    ExceptionCase.objects.update(code="expectations.node_ships")

    page = as_(mia).get(f"/queue/{case.pk}/").content.decode()
    assert "Ask the node what is in the way." in page
    assert "is held" not in page


def test_a_connection_counts_what_it_never_told(
    as_: SignedIn, mia: User, shop: Connection, now: datetime
) -> None:
    address = f"/connections/{shop.slug}/"
    assert "0 orders today" in as_(mia).get(address).content.decode()
    envelope = Envelope(topic="orders/updated", key="poll:1:1", lane="order:1")
    (stored,) = receive_messages([Delivery(connection_id=shop.pk, envelope=envelope, body=b"{}")])
    for number, told_at in (("1", None), ("2", now)):
        MissedOrder.objects.create(
            connection=shop, external_id=number, number=f"#{number}", placed_at=now,
            found_at=now, message_id=stored.message_id, told_at=told_at,
        )  # fmt: skip

    assert "<mark>1 order today, 1 told late</mark>" in as_(mia).get(address).content.decode()
