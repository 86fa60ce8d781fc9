"""Things change while somebody reads: nothing jumps, nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connectors.models import Connection
from exceptions.models import ExceptionCase, Team
from exceptions.services import acts
from tests.browser.conftest import House, Open


@pytest.fixture
def queue(
    open_page: Open,
    ana: User,
    orders_team: Team,
    webshop: Connection,
    unknown_sku: Callable[..., None],
) -> Page:
    """Ana's queue with two exceptions, live."""
    orders_team.connections.add(webshop)
    unknown_sku("W-1", "W-2")
    page = open_page(ana)
    page.goto("/queue/")
    expect(page.locator("[data-word]")).to_have_text("Live")
    return page


def test_nothing_moves_while_the_page_loads_and_goes_live(queue: Page) -> None:
    moved = queue.evaluate(
        """() => new Promise((done) => {
             const told = (list) => done(list.getEntries().map((shift) => shift.value));
             new PerformanceObserver(told).observe({ type: "layout-shift", buffered: true });
             setTimeout(() => done([]), 200); })"""
    )
    assert moved == []


def test_a_new_exception_waits_behind_a_button(
    queue: Page, unknown_sku: Callable[..., None]
) -> None:
    queue.keyboard.press("j")
    before = queue.locator("tr[data-cursor]").bounding_box()
    unknown_sku("W-3", "W-4")
    button = queue.get_by_role("button", name="Show 2 new")
    expect(button).to_be_visible()
    expect(queue.locator("tr[data-id]")).to_have_count(2)
    assert queue.locator("tr[data-cursor]").bounding_box() == before
    queue.keyboard.press(".")
    expect(queue.locator("tr[data-id]")).to_have_count(4)
    expect(queue.locator("tr[data-new]")).to_have_count(2)
    expect(button).to_be_hidden()
    # A row that came late works like any other.
    queue.locator("tr[data-new] a").first.click()
    expect(queue.locator("#pane .pane-head p")).to_contain_text("W-")


def test_twenty_changes_by_others_take_no_letter_and_no_caret(
    queue: Page, house: House, ben: User
) -> None:
    queue.keyboard.press("j")
    queue.keyboard.press("n")
    note = queue.locator("#note-text")
    expect(note).to_be_focused()
    case = ExceptionCase.objects.get(order_number="W-1")

    def change(number: int) -> None:
        act = acts.release_case if number % 2 else acts.claim_case
        act(case_id=case.pk, actor_id=ben.pk, now=timezone.now())

    text = "The buyer would rather"
    for number, letter in enumerate(text):
        queue.keyboard.type(letter)
        if number < 20:
            house.do(lambda number=number: change(number))  # type: ignore[misc]
    other = ExceptionCase.objects.get(order_number="W-2")
    house.do(lambda: acts.claim_case(case_id=other.pk, actor_id=ben.pk, now=timezone.now()))
    # The row shows it, so the hints came; the pane kept what is being written, and says why.
    expect(queue.locator(f"tr[data-id='{other.pk}'] .pill")).to_have_text("Claimed · Ben")
    expect(queue.locator("#pane [data-changed]")).to_be_attached()
    expect(note).to_have_value(text)
    expect(note).to_be_focused()
    queue.keyboard.type(" wait")
    expect(note).to_have_value(text + " wait")
    queue.get_by_role("dialog", name="Note").get_by_role("button", name="Note").click()
    expect(queue.locator("#pane .timeline")).to_contain_text(text + " wait")


def test_a_colleague_s_claim_reaches_row_and_pane_without_a_reload(
    queue: Page, house: House, ben: User
) -> None:
    queue.keyboard.press("j")
    queue.keyboard.press("Enter")
    expect(queue.locator("#pane .pane-head p")).to_contain_text("W-1")
    case = ExceptionCase.objects.get(order_number="W-1")
    house.do(lambda: acts.claim_case(case_id=case.pk, actor_id=ben.pk, now=timezone.now()))
    expect(queue.locator("#pane .pill").first).to_have_text("Claimed · Ben")
    expect(queue.locator("tr[data-open] .pill")).to_have_text("Claimed · Ben")
    expect(queue.get_by_role("button", name="Take over from Ben")).to_be_visible()


def test_the_answer_to_a_press_stays_when_the_pane_reads_itself_again(
    queue: Page, house: House, ben: User
) -> None:
    queue.keyboard.press("j")
    queue.keyboard.press("c")
    pane = queue.locator("#pane")
    expect(pane.locator(".pill").first).to_have_text("Claimed · Ana")
    queue.keyboard.press("z")
    said = pane.locator("[data-said]")
    expect(said).to_have_text("Taken back.")
    case = ExceptionCase.objects.get(order_number="W-1")
    house.do(
        lambda: acts.add_note(case_id=case.pk, actor_id=ben.pk, text="Rang", now=timezone.now())
    )
    expect(pane.locator(".timeline")).to_contain_text("Rang")
    expect(said).to_have_text("Taken back.")


def test_live_updates_can_be_paused(queue: Page, unknown_sku: Callable[..., None]) -> None:
    queue.get_by_role("button", name="Live").click()
    expect(queue.locator("[data-word]")).to_have_text("Paused")
    unknown_sku("W-3")
    queue.wait_for_timeout(1_500)
    expect(queue.locator("[data-show-new]")).to_be_hidden()
    queue.get_by_role("button", name="Paused").click()
    expect(queue.get_by_role("button", name="Show 1 new")).to_be_visible()
