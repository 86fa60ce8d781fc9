"""Correcting a message in a real browser: check it, save and replay, and make it a rule."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connectors.models import Connection, CorrectionRule, InboundMessage
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope
from exceptions.models import ExceptionCase
from orders.models import Order
from tests.browser.conftest import House, Open, until
from tests.browser.test_every_page import AXE
from tests.browser.test_replays import both
from tests.browser.world import order_body


@pytest.fixture
def broken(house: House, shelf: None, wms: Connection, webshop: Connection, lead: User) -> None:
    """Three orders whose city is a number."""

    def arrive() -> None:
        for number in ("B-1", "B-2", "B-3"):
            body = order_body(number, "MUG", timezone.now())
            body["ship_to"]["city"] = 10115
            envelope = Envelope(topic="order.placed", key=f"evt-{number}", lane=f"order:{number}")
            text = json.dumps(body).encode()
            receive_messages([Delivery(connection_id=webshop.pk, envelope=envelope, body=text)])

    house.do(arrive)
    until(lambda: ExceptionCase.objects.count() == 3)


@pytest.mark.usefixtures("broken")
def test_a_fix_is_checked_replayed_and_becomes_a_rule_for_the_others(
    open_page: Open, lead: User, shoot: Callable[[Page, str], None]
) -> None:
    page = open_page(lead, bypass_csp=True, reduced_motion="reduce")
    page.goto("/queue/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#pane .safety")).to_contain_text("What was applied is not applied twice.")
    shoot(page, "pane")
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name="Edit the message")).to_be_visible()
    page.get_by_role("group", name="Ship to").get_by_label("City").fill("Berlin")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("It would go through.")).to_be_visible()
    shoot(page, "edit-checked")
    page.evaluate(AXE)
    found = both(page, "edit")
    page.get_by_label("Reason").fill("Customer said so by phone")
    page.get_by_role("button", name="Save version 2 and replay").click()
    expect(page.get_by_role("heading", name="Apply to the other 2 in this cause?")).to_be_visible()
    shoot(page, "rule-offer")
    page.evaluate(AXE)
    found += both(page, "offer")
    page.get_by_label("Reason").fill("The shop mixes city and postcode")
    page.get_by_role("button", name="Make rule").click()
    page.get_by_role("button", name="Replay 2").click()
    expect(page.locator("[data-numbers]")).to_have_text("2 done, 0 failed again, 0 skipped.")
    until(lambda: Order.objects.count() == 3)
    assert bytes(InboundMessage.objects.order_by("pk")[0].body).count(b"10115") == 2
    rule = CorrectionRule.objects.get()
    for address, name in ((f"/rules/{rule.pk}/", "rule"), ("/rules/", "rules")):
        page.goto(address)
        shoot(page, name)
        page.evaluate(AXE)
        found += both(page, address)
    assert found == []


@pytest.mark.usefixtures("broken")
def test_pages_of_a_correction_fit_a_small_phone(open_page: Open, lead: User) -> None:
    page = open_page(lead)
    page.set_viewport_size({"width": 320, "height": 640})
    case = ExceptionCase.objects.order_by("pk")[0]
    for address in (f"/queue/{case.pk}/edit/", f"/queue/{case.pk}/try/", "/rules/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, address
