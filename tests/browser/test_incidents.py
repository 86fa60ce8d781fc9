"""A system is down: the queue shows one incident, what waits for it, and when it is over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connectors.models import Connection
from connectors.services import breaker
from exceptions.models import ExceptionCase
from exceptions.services.cases import Problem, open_case
from tests.browser.conftest import House, Open
from tests.conftest import PlaceOrder, Stock


@pytest.fixture
def down(place: PlaceOrder, stock: Stock, erp: Connection) -> ExceptionCase:
    """NetSuite does not answer; two orders wait, and one effect was given up."""
    breaker.extend(erp, "NetSuite said 503 ten times.", now=timezone.now())
    stock("MUG", 10)
    first, _ = place("1001"), place("1002")
    open_case(
        Problem(
            code="connectors.remote_unavailable",
            detail="NetSuite said 503.",
            connection_id=erp.pk,
            connection_name="NetSuite",
            order_id=first.pk,
            order_number=first.number,
        ),
        now=timezone.now(),
    )
    return ExceptionCase.objects.get(code="connectors.connection_down")


@pytest.mark.usefixtures("finance_team")
def test_an_incident_stands_for_all_that_waits(
    open_page: Open,
    ben: User,
    down: ExceptionCase,
    house: House,
    place: PlaceOrder,
    shoot: Callable[[Page, str], None],
) -> None:
    page = open_page(ben)
    page.goto("/queue/")
    rows = page.locator("tr[data-id]")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("NetSuite is down")
    expect(rows).to_contain_text("2 orders · 2 customers · 20.00 EUR wait")
    # An order more waits: the row says so without anybody's touching it.
    house.do(lambda: place("1003"))
    expect(rows).to_contain_text("3 orders · 3 customers · 30.00 EUR wait")
    banner = page.locator("#list .notice")
    expect(banner).to_contain_text("Replays wait and start when it is back.")

    shoot(page, "incident-queue")
    banner.get_by_role("link", name="Open the incident").click()
    expect(page.locator("#pane-outage")).to_have_text("What hangs on it")
    expect(page.locator("#pane")).to_contain_text("1 exception hung on it: 1 waiting.")
    expect(page.locator("[data-word]")).to_have_text("Live")
    house.do(lambda: place("1004"))
    expect(page.locator("#pane")).to_contain_text("4 orders · 4 customers · 40.00 EUR")
    probe = timezone.localtime(Connection.objects.get(slug="netsuite").closed_until)
    expect(page.locator("#pane")).to_contain_text(f"Next probe{probe:%H:%M:%S}, by itself")
    shoot(page, "incident-pane")
    page.get_by_role("link", name="Show 1 exception").click()
    expect(page.locator("tr[data-id]")).to_have_count(1)
    expect(page.locator("tr[data-id]")).to_contain_text("#1001")
    expect(page.locator(".tabs [aria-current]")).to_contain_text("Behind an incident")

    breaker.note_success(Connection.objects.get(slug="netsuite"), now=timezone.now())
    page.goto("/queue/")
    expect(page.locator("#list .notice")).to_contain_text("NetSuite answers again since")
    page.locator("tr[data-id] .row-title").click()
    expect(page.locator("#pane .timeline")).to_contain_text("Answers again")
    expect(page.locator("#pane")).not_to_contain_text("Next probe")

    page.goto("/connections/netsuite/")
    expect(page.locator(".timeline > li").nth(0)).to_contain_text("Answers again, calls go on")
    expect(page.locator(".timeline > li").nth(1)).to_contain_text("NetSuite said 503 ten times.")
    shoot(page, "connection-history")
