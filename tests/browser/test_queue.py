"""A morning at the queue: by keyboard, with undo, and nothing typed is ever lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from exceptions.models import ExceptionCase, Team
from tests.browser.conftest import Open, Trouble, until


@pytest.fixture
def team(orders_team: Team, webshop: object) -> Team:
    orders_team.connections.add(webshop)  # type: ignore[arg-type]
    return orders_team


@pytest.fixture
def page(open_page: Open, ana: User, team: Team, unknown_sku: Callable[..., None]) -> Page:
    """Ana's queue with three exceptions."""
    unknown_sku("W-1", "W-2", "W-3")
    opened = open_page(ana)
    opened.goto("/queue/")
    expect(opened.locator("tr[data-id]")).to_have_count(3)
    return opened


def pane(page: Page) -> str:
    """The order number in the open pane."""
    return page.locator("#pane .pane-head p").inner_text()


def test_moves_with_j_and_k_and_opens_with_enter(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#pane .pane-head p")).to_contain_text("W-2")
    expect(page).to_have_url(f"/queue/?case={ExceptionCase.objects.get(order_number='W-2').pk}")
    assert "W-2" in page.title()
    page.reload()
    expect(page.locator("#pane .pane-head p")).to_contain_text("W-2")
    page.go_back()
    expect(page.locator("#pane")).to_contain_text("No exception open")


def test_claims_releases_and_takes_back(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.locator("#pane .pill").first).to_have_text("Claimed · Ana")
    expect(page.locator("tr[data-open] .pill")).to_have_text("Claimed · Ana")
    page.keyboard.press("c")
    expect(page.locator("#pane .pill").first).to_have_text("New")
    page.keyboard.press("z")
    expect(page.locator("#pane .pill").first).to_have_text("Claimed · Ana")
    expect(page.locator("#pane [data-said]")).to_have_text("Taken back.")
    assert ExceptionCase.objects.get(order_number="W-1").owner is not None


def test_writes_a_note_that_stays_after_a_reload(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("n")
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("The buyer asked for red")
    page.get_by_role("dialog", name="Note").get_by_role("button", name="Note").click()
    expect(page.locator("#pane .timeline")).to_contain_text("The buyer asked for red")
    page.reload()
    expect(page.locator("#pane .timeline")).to_contain_text("The buyer asked for red")


def test_what_was_typed_survives_a_failed_send(page: Page, trouble: Trouble) -> None:
    trouble.is_meant = True
    page.keyboard.press("j")
    page.keyboard.press("n")
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("Half a sentence")
    page.context.set_offline(True)
    page.get_by_role("dialog", name="Note").get_by_role("button", name="Note").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent. Your text is kept")
    expect(page.locator("#note-text")).to_have_value("Half a sentence")
    page.context.set_offline(False)


def test_snoozes_into_its_own_tab(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.get_by_role("dialog", name="Snooze").get_by_role("button", name="Snooze").click()
    expect(page.locator("#pane [data-said]")).to_contain_text("Snoozed. 2 left in Open.")
    expect(page.locator("#pane .pane-head > p")).to_contain_text("W-2")
    expect(page.locator("tr[data-gone]")).to_have_count(1)
    page.get_by_role("link", name="Snoozed").click()
    expect(page.locator("tr[data-id]")).to_have_count(1)
    expect(page.locator("tr[data-id]")).to_contain_text("W-1")


def test_resolves_only_with_a_reason_and_takes_it_back(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("Shift+R")
    dialog = page.get_by_role("dialog", name="Resolve")
    dialog.get_by_role("button", name="Resolve").click()
    assert ExceptionCase.objects.filter(state="RESOLVED").count() == 0
    dialog.get_by_label("Reason").fill("Entered by hand")
    dialog.get_by_role("button", name="Resolve").click()
    # The next one is open, by key too, and what was done can be taken back from there.
    expect(page.locator("#pane .pane-head > p")).to_contain_text("W-2")
    expect(page.locator("#pane-title")).to_be_focused()
    expect(page.locator("tr[data-cursor]")).to_contain_text("W-2")
    expect(page.locator("tr[data-gone]")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#pane .pane-head > p")).to_contain_text("W-1")
    expect(page.locator("#pane .pill").first).to_have_text("New")
    until(lambda: not ExceptionCase.objects.filter(state="RESOLVED").exists())
