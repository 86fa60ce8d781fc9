"""One order, everything about it: and any number printed on a parcel leads there."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from connectors.models import ExternalReference
from orders.models import Order
from tests.browser.conftest import Open


def test_the_order_page_tells_the_whole_way_in_every_tab(
    open_page: Open, lead: User, journey: Order
) -> None:
    page = open_page(lead)
    page.goto("/orders/")
    page.get_by_role("link", name="W-1").click()
    rail = page.get_by_role("list", name="Stages")
    expect(rail.get_by_role("listitem")).to_have_count(8)
    expect(rail).to_contain_text("ERP order: done")
    expect(rail).to_contain_text("netsuite-1")
    timeline = page.get_by_role("region", name="Timeline")
    for line in ("Order W-1 received", "Stock promised", "Sales order is there: netsuite-1"):
        expect(timeline).to_contain_text(line)
    timeline.get_by_text("1 attempt").first.click()
    expect(timeline).to_contain_text("Attempt 1")
    seen = {
        "Items": "00340434161094000001",
        "Documents": "wms-berlin-1",
        "Messages": "order.post:webshop-W-1",
        "Money": "14.90 EUR",
    }
    for tab, text in seen.items():
        page.get_by_role("navigation", name="Parts of this order").get_by_text(tab).click()
        expect(page.get_by_role("region", name=tab)).to_contain_text(text)
    expect(page.get_by_text(str(journey.trace_id))).to_be_visible()


def test_any_id_leads_straight_to_the_order(open_page: Open, lead: User, journey: Order) -> None:
    page = open_page(lead)
    page.goto("/queue/")
    erp_id = ExternalReference.objects.get(kind="order.post").external_id
    ids = ("w-1", "#W-1", "00340434161094000001", str(journey.trace_id), erp_id)
    for text in (*ids, f"order.post:{journey.reference}", journey.reference):
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.get_by_role("searchbox").fill(text)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/orders/{journey.pk}/")
        page.goto("/queue/")


@pytest.mark.usefixtures("journey")
def test_a_number_nobody_knows_says_what_can_be_searched(open_page: Open, lead: User) -> None:
    page = open_page(lead)
    page.goto("/search/?q=SH-99999")
    expect(page.get_by_text("Nothing matches “SH-99999”.")).to_be_visible()
