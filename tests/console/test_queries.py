"""A page asks as often for sixty rows as for five: what grows is the answer, not the number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connectors.models import Connection
from connectors.services.credentials import store_credential
from exceptions.models import ExceptionCase
from inventory.models import (
    AvailabilityRule,
    Channel,
    ChannelOffer,
    Publication,
    Reservation,
)
from tests.conftest import Accept, PlaceOrder, Stock, advance, canonical, connect, line
from tests.console.conftest import SignedIn

Stuck = Callable[..., list[ExceptionCase]]
MOST = 16
QUEUE = ("/queue/", "/queue/?group=cause", "/queue/?view=unassigned", "/mappings/sku/")
TABS = ("timeline", "items", "documents", "messages", "money")
STOCK = (
    "/inventory/",
    "/inventory/?view=drift",
    "/inventory/?q=S0",
    "/inventory/S000/",
    "/inventory/S000/?tab=channels",
    "/inventory/S000/?tab=movements",
    "/inventory/S000/?tab=past&at=2026-11-25T14:03",
)


def count(client: Client, address: str) -> int:
    """How many queries a second look at this page takes."""
    assert client.get(address).status_code == 200
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    return len(queries)


def test_the_queue_asks_the_same_for_five_and_for_sixty(
    as_: SignedIn, ana: User, stuck: Stuck
) -> None:
    client = as_(ana)
    for number in range(3):
        stuck(2, f"SKU-{number}")
    few = {address: count(client, address) for address in QUEUE}
    stuck(54)
    assert ExceptionCase.objects.count() == 60
    assert {address: count(client, address) for address in QUEUE} == few
    assert max(few.values()) <= MOST


def test_the_page_of_a_cause_asks_the_same_for_two_and_for_sixty(
    as_: SignedIn, lea: User, stuck: Stuck
) -> None:
    client = as_(lea)
    (first, *_) = stuck(2)
    few = count(client, f"/causes/{first.cause_id}/")
    stuck(58)
    assert count(client, f"/causes/{first.cause_id}/") == few <= 24


def test_the_order_list_asks_the_same_for_five_and_for_sixty(
    as_: SignedIn, mia: User, accept: Accept, shop: Connection, stock: Stock
) -> None:
    stock("MUG", 500)
    for number in range(5):
        accept(canonical(str(number)))
    few = count(as_(mia), "/orders/")
    for number in range(5, 60):
        accept(canonical(str(number)))
    assert count(as_(mia), "/orders/") == few <= MOST


def test_an_order_page_asks_the_same_for_one_line_and_for_thirty(
    as_: SignedIn, mia: User, place: PlaceOrder, stock: Stock
) -> None:
    for number in range(30):
        stock(f"S{number}", 9)
        stock(f"S{number}", 9, "HAMBURG")
    small = place("1", line("S0"))
    large = place("2", *(line(f"S{n}", 1 if n % 2 else 12, str(n)) for n in range(30)))
    advance()
    client = as_(mia)
    for tab in TABS:
        few = count(client, f"/orders/{small.pk}/?tab={tab}")
        assert count(client, f"/orders/{large.pk}/?tab={tab}") <= few + 1 <= 24, tab


def test_the_connection_list_asks_the_same_for_three_and_for_ten(
    as_: SignedIn, mia: User, shop: Connection, erp: Connection, wms: Connection
) -> None:
    few = count(as_(mia), "/connections/")
    for number in range(7):
        row = connect(f"erp-{number}", f"ERP {number}", "netsuite", "ERP")
        store_credential(
            connection_id=row.pk, name="key", secret="s3cret-value", now=timezone.now()
        )
    assert count(as_(mia), "/connections/") == few <= MOST


def test_stock_asks_the_same_for_few_and_for_many(
    as_: SignedIn, mia: User, stock: Stock, channel: Channel, now: datetime
) -> None:
    def grow(items: range, nodes: range, channels: range) -> None:
        for number in channels:
            Channel.objects.create(code=f"c{number}", name=f"C{number}")
        for number in items:
            for node in nodes:
                level = stock(f"S{number:03}", 5, f"N{node}")
            for one in Channel.objects.all():
                told = Publication.objects.create(
                    channel=one, item=level.item, quantity=5, explanation={}, changed_at=now
                )
                ChannelOffer.objects.create(channel=one, item=level.item, last=told)
                Reservation.objects.create(
                    reference=f"order:{number}{one.pk}:1",
                    item=level.item,
                    location=level.location,
                    quantity=1,
                )

    client = as_(mia)
    grow(range(2), range(2), range(1))
    few = {address: count(client, address) for address in STOCK}
    AvailabilityRule.objects.create(knob="BUFFER", value=1)
    ChannelOffer.objects.all().delete()
    grow(range(12), range(6), range(1, 4))
    for address in STOCK:
        assert count(client, address) <= few[address] + 1 <= 24, address


def test_a_fragment_pays_nothing_for_the_frame(as_: SignedIn, ana: User, stuck: Stuck) -> None:
    case = stuck(1)[0]
    client = as_(ana)
    whole = count(client, f"/queue/{case.pk}/")
    with CaptureQueriesContext(connection) as queries:
        client.get(f"/queue/{case.pk}/", headers={"HX-Request": "true"})
    assert len(queries) <= whole - 3
    assert not any("retailhub_liveevent" in query["sql"] for query in queries)


@pytest.mark.usefixtures("team")
def test_search_asks_a_fixed_number_of_times(as_: SignedIn, ana: User, stuck: Stuck) -> None:
    stuck(20)
    assert count(as_(ana), "/search/?q=MUG-XMAS") <= 24
