"""What people come here for: correct what was missing, send once more, see it close by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from connectors.models import CodeMapping, Connection
from exceptions.models import ExceptionCase
from orders.models import Order
from tests.browser.conftest import House, Open, until
from tests.browser.world import order_arrives


def live(page: Page) -> None:
    """The socket is up: from here on nothing needs a reload."""
    expect(page.locator("[data-word]")).to_have_text("Live")


@pytest.mark.usefixtures("shelf")
def test_one_saved_mapping_frees_every_order_that_waited_and_the_cases_close_on_screen(
    open_page: Open, lead: User, unknown_sku: Callable[..., None]
) -> None:
    unknown_sku("W-1", "W-2", "W-3")
    page = open_page(lead)
    page.goto("/queue/")
    live(page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    pane = page.locator("#pane")
    expect(pane).to_contain_text("“Mug” from Own web shop means")
    expect(pane).to_contain_text("Also fixes 2 other exceptions.")
    expect(pane.get_by_role("radio", name="MUG-WINTER")).to_be_visible()
    assert pane.locator("input[name=code]:checked").count() == 0, "a guess was ticked beforehand"
    pane.get_by_role("radio", name="MUG-WINTER").check()
    page.keyboard.press("r")
    expect(pane.locator("[data-said]")).to_contain_text("MUG-XMAS means MUG-WINTER. 3 replayed")
    expect(pane.locator(".pill").first).to_have_text("Resolved")
    expect(page.locator("tr[data-gone]")).to_have_count(3)
    assert Order.objects.count() == 3
    assert CodeMapping.objects.get(table="SKU").canonical_code == "MUG-WINTER"


def test_a_code_that_does_not_exist_is_refused_and_stays_in_the_field(
    open_page: Open, lead: User, unknown_sku: Callable[..., None]
) -> None:
    unknown_sku("W-1")
    page = open_page(lead)
    page.goto(f"/queue/{ExceptionCase.objects.get().pk}/")
    page.get_by_label("Code", exact=True).fill("MUGG")
    page.get_by_role("button", name="Save mapping and replay 1").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no sku MUGG here")
    expect(page.get_by_label("Code", exact=True)).to_have_value("MUGG")
    assert CodeMapping.objects.filter(table="SKU").count() == 0


@pytest.mark.usefixtures("shelf", "wms")
def test_a_double_click_on_replay_sends_once_and_the_case_closes_by_itself(
    open_page: Open, house: House, lead: User, webshop: Connection
) -> None:
    house.erp.refusal = "Tax schedule is missing."
    house.do(lambda: order_arrives(webshop, "W-1"))
    until(ExceptionCase.objects.exists)
    house.erp.refusal = ""
    page = open_page(lead)
    page.goto(f"/queue/?case={ExceptionCase.objects.get().pk}")
    live(page)
    pane = page.locator("#pane")
    expect(pane.locator("#pane-title")).to_contain_text("Tax schedule is missing.")
    key = "order.post:webshop-W-1"
    expect(pane.locator(".safety")).to_contain_text(key)
    pane.get_by_role("button", name="Replay").dblclick()
    expect(pane.locator(".pill").first).to_have_text("Resolved")
    expect(page.locator("tr[data-gone]")).to_have_count(1)
    assert [sent for sent in house.erp.sent if sent == key] == [key]
    expect(pane.locator(".attempts")).to_contain_text("Sent")


@pytest.mark.usefixtures("shelf", "wms")
def test_a_replay_that_fails_again_says_so_in_the_row_and_in_the_pane(
    open_page: Open, house: House, lead: User, webshop: Connection
) -> None:
    house.erp.refusal = "Tax schedule is missing."
    house.do(lambda: order_arrives(webshop, "W-1"))
    until(ExceptionCase.objects.exists)
    page = open_page(lead)
    page.goto(f"/queue/?case={ExceptionCase.objects.get().pk}")
    live(page)
    page.keyboard.press("r")
    expect(page.locator("#pane .pill").first).to_have_text("Failed again")
    expect(page.locator("tr[data-id] .pill")).to_have_text("Failed again")
    expect(page.locator("#pane .attempts > li")).to_have_count(2)
