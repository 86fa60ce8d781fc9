"""A connection that misbehaves: test it, stop it, let it go on, lose nothing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from connectors.models import Connection
from tests.browser.conftest import House, Open, until
from tests.browser.world import order_arrives


def test_a_test_shows_each_check_and_what_was_seen(
    open_page: Open, mia: User, erp: Connection
) -> None:
    page = open_page(mia)
    page.goto("/connections/")
    page.get_by_role("link", name="NetSuite").click()
    page.get_by_role("button", name="Test").click()
    result = page.locator("#test-result")
    expect(result).to_contain_text("Works.")
    expect(result.get_by_role("listitem")).to_contain_text(["token for one hour", "1 order read"])
    erp.refresh_from_db()
    assert erp.tested_at is not None


@pytest.mark.usefixtures("shelf", "wms")
def test_a_pause_keeps_everything_and_resume_sends_it(
    open_page: Open, house: House, mia: User, erp: Connection, webshop: Connection
) -> None:
    page = open_page(mia)
    page.goto("/connections/netsuite/")
    page.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog", name="Pause")
    expect(dialog).to_contain_text("messages are taken in and kept")
    dialog.get_by_label("Reason").fill("Maintenance until 22:00")
    dialog.get_by_role("button", name="Pause").click()
    expect(page.locator(".page-head")).to_contain_text("Maintenance until 22:00")
    house.do(lambda: order_arrives(webshop, "W-1"))
    until(lambda: len(house.wms.sent) == 1)
    page.reload()
    expect(page.locator(".page-head")).to_contain_text("Nothing is lost: 1 wait.")
    assert house.erp.sent == []
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".page-head .pill")).to_have_text("Healthy")
    until(lambda: house.erp.sent == ["order.post:webshop-W-1"])
