"""An afternoon without the mouse: one case after the other, until nothing is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from exceptions.models import ExceptionCase
from exceptions.services import acts
from tests.browser.conftest import Open

Shoot = Callable[[Page, str], None]


def head(page: Page, order: str) -> None:
    """The case of this order is open."""
    expect(page.locator("#pane .pane-head > p")).to_contain_text(order)


def resolve(page: Page) -> None:
    """Close the open case by hand."""
    page.keyboard.press("Shift+R")
    dialog = page.get_by_role("dialog", name="Resolve")
    dialog.get_by_label("Reason").fill("Entered by hand")
    dialog.get_by_role("button", name="Resolve").click()


@pytest.mark.usefixtures("lead")
def test_works_through_mine_by_keyboard_takes_one_back_and_takes_more(
    open_page: Open, lead: User, unknown_sku: Callable[..., None], shoot: Shoot
) -> None:
    unknown_sku("W-1", "W-2", "W-3", "W-4")
    cases = {case.order_number: case.pk for case in ExceptionCase.objects.all()}
    for order in ("W-1", "W-2", "W-3"):
        acts.claim_case(case_id=cases[order], actor_id=lead.pk, now=timezone.now())
    for harm, order in enumerate(("W-3", "W-2", "W-1")):
        ExceptionCase.objects.filter(pk=cases[order]).update(harm=harm)
    page = open_page(lead)
    page.goto("/queue/?view=mine")
    page.keyboard.press("p")
    head(page, "W-1")
    strip, said = page.locator(".strip"), page.locator("#pane [data-said]")
    expect(strip).to_contain_text("1 of 3 in Mine")
    page.keyboard.press("j")
    head(page, "W-2")
    page.keyboard.press("k")
    head(page, "W-1")
    page.keyboard.press("n")
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("Half a word")
    page.keyboard.press("Escape")
    resolve(page)
    head(page, "W-2")
    expect(said).to_contain_text("Resolved. 2 left in Mine.")
    expect(page.locator("#status")).to_have_text("Resolved. 2 left in Mine.")
    expect(page.locator("#pane-title")).to_be_focused()
    assert "W-2" in page.title()
    assert page.locator("#note-text").input_value() == "", "a note for another case"
    shoot(page, "one-by-one")
    page.keyboard.press("z")
    head(page, "W-1")
    expect(said).to_contain_text("Taken back.")
    resolve(page)
    head(page, "W-2")
    for order in ("W-2", "W-3"):
        head(page, order)
        page.keyboard.press("s")
        page.get_by_role("dialog", name="Snooze").get_by_role("button", name="Snooze").click()
    expect(page.locator("#notices")).to_contain_text("That was all of Mine.")
    ExceptionCase.objects.filter(state="SNOOZED").update(owner=None)
    page.reload()
    expect(page.get_by_text("Nothing left in Mine.")).to_be_visible()
    shoot(page, "nothing-left")
    page.get_by_role("button", name="Take it").click()
    head(page, "W-4")
    expect(strip).to_contain_text("1 of 1 in Mine")
    page.keyboard.press("Escape")
    expect(page).to_have_url("/queue/?view=mine")
