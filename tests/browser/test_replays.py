"""Many at once, in a real browser: tick, plan, start, watch it live, steer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from connectors.models import Connection
from exceptions.models import ExceptionCase, ReplayRun
from tests.browser.conftest import House, Open, until
from tests.browser.test_every_page import AXE, COLORS, EVERYTHING, barriers
from tests.browser.world import orders_arrive


@pytest.fixture
def refused(house: House, shelf: None, wms: Connection, webshop: Connection, lead: User) -> None:
    """Twelve orders that the ERP refused."""
    house.erp.refusal = "Tax schedule is missing."
    house.do(lambda: orders_arrive(webshop, [f"W-{n}" for n in range(12)], "MUG"))
    until(lambda: ExceptionCase.objects.count() == 12)


def start(page: Page) -> None:
    page.goto("/queue/")
    page.get_by_role("button", name="Select all that match").click()
    expect(page.get_by_text("All 12 that match are selected.")).to_be_visible()
    page.get_by_role("link", name="Replay 12").click()
    expect(page.get_by_role("heading", name="Replay 12 orders to NetSuite?")).to_be_visible()
    page.get_by_role("button", name="Replay 12").click()
    expect(page).to_have_url(f"/replays/{ReplayRun.objects.get().pk}/")


@pytest.mark.usefixtures("refused")
def test_a_replay_stops_itself_and_goes_on_when_the_cause_is_fixed(
    open_page: Open, house: House, lead: User
) -> None:
    page = open_page(lead)
    start(page)
    expect(page.locator("[data-numbers]")).to_contain_text("Stopped after 5 equal failures")
    expect(page.locator("[data-numbers]")).to_contain_text("7 not sent.")
    expect(page.locator("#run .pill").first).to_have_text("Stopped itself")

    house.erp.refusal = ""
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#run .pill").first).to_have_text("Done")
    expect(page.locator("[data-numbers]")).to_have_text("7 done, 5 failed again, 0 skipped.")
    assert len(house.erp.sent) == len(set(house.erp.sent)) == 7
    page.get_by_role("link", name="Open the 5 that failed").click()
    expect(page.locator("tr[data-id]")).to_have_count(5)


@pytest.mark.usefixtures("refused")
def test_ticked_rows_are_replayed_by_key(open_page: Open, house: House, lead: User) -> None:
    house.erp.refusal = ""
    page = open_page(lead)
    page.goto("/queue/")
    for _ in range(3):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.get_by_role("button", name="Replay 3")).to_be_visible()
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Replay 3 orders to NetSuite?")).to_be_visible()
    page.get_by_role("button", name="Replay 3").click()
    expect(page.locator("[data-numbers]")).to_have_text("3 done, 0 failed again, 0 skipped.")


@pytest.mark.usefixtures("refused")
def test_no_page_of_replays_has_a_barrier_or_scrolls_sideways(
    open_page: Open, lead: User, shoot: Callable[[Page, str], None]
) -> None:
    page = open_page(lead, bypass_csp=True, reduced_motion="reduce")
    page.goto("/queue/")
    page.get_by_role("button", name="Select all that match").click()
    shoot(page, "queue-selected")
    page.get_by_role("link", name="Replay 12").click()
    shoot(page, "replay-plan")
    addresses = [page.url]
    page.evaluate(AXE)
    found = both(page, "plan")
    page.get_by_role("button", name="Replay 12").click()
    expect(page.locator("[data-numbers]")).to_contain_text("7 not sent.")
    shoot(page, "replay-run")
    for address in (page.url, "/replays/"):
        page.goto(address)
        page.evaluate(AXE)
        found += both(page, address)
        addresses.append(address)
    shoot(page, "replay-list")
    assert found == []
    page.set_viewport_size({"width": 320, "height": 640})
    for address in addresses:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, address


def both(page: Page, where: str) -> list[str]:
    """What axe finds in light and in dark."""
    found = []
    for theme, only in (("light", EVERYTHING), ("dark", COLORS)):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        found += barriers(page, f"{where} {theme}", only)
    return found
