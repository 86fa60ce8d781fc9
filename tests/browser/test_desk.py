"""What the desk is for, as people do it: by few keys, beside colleagues, in views of their own."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connectors.models import CodeMapping
from exceptions.models import ExceptionCase, SavedView, Team
from exceptions.services import acts
from tests.browser.conftest import House, Open, Trouble, until

Shoot = Callable[[Page, str], None]

SEES_FOCUS = """() => {
  const here = document.activeElement, box = here.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const on = document.elementFromPoint(x, y);
  return here !== document.body && Boolean(on) && (here.contains(on) || on.contains(here));
}"""


@pytest.mark.usefixtures("shelf")
def test_fixes_a_mapping_with_three_keys_and_never_loses_sight_of_the_focus(
    open_page: Open, lead: User, unknown_sku: Callable[..., None]
) -> None:
    unknown_sku("W-1", "W-2", "W-3")
    page = open_page(lead)
    page.goto("/queue/")
    pane = page.locator("#pane")
    for key, then in (
        ("j", page.locator("tr[data-cursor]")),
        ("m", pane.locator("input[name=code]:checked")),
        ("r", pane.get_by_text("3 replayed with it.")),
    ):
        page.keyboard.press(key)
        expect(then).to_be_visible()
        assert page.evaluate(SEES_FOCUS), f"after {key} nobody sees where the focus is"
    until(lambda: ExceptionCase.objects.filter(state="RESOLVED").count() == 3)
    assert CodeMapping.objects.filter(table="SKU").count() == 1


def test_takes_over_what_a_colleague_has_and_says_why(
    open_page: Open, house: House, lead: User, ben: User, unknown_sku: Callable[..., None]
) -> None:
    unknown_sku("W-1")
    Team.objects.get().members.add(ben)
    case = ExceptionCase.objects.get()
    page = open_page(lead)
    page.goto(f"/queue/?case={case.pk}")
    expect(page.locator("[data-word]")).to_have_text("Live")
    house.do(lambda: acts.claim_case(case_id=case.pk, actor_id=ben.pk, now=timezone.now()))
    expect(page.locator("#pane .pill").first).to_have_text("Claimed · Ben")
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="Take over from Ben")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("Ben is off today")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#pane .pill").first).to_have_text("Claimed · Ana")
    expect(page.locator("#pane .timeline")).to_contain_text("From Ben: Ben is off today")


def test_who_lost_access_is_told_so_where_they_work_and_keeps_the_list(
    open_page: Open,
    house: House,
    lead: User,
    unknown_sku: Callable[..., None],
    trouble: Trouble,
) -> None:
    unknown_sku("W-1", "W-2")
    page = open_page(lead)
    page.goto("/queue/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#pane .pane-head > p")).to_contain_text("W-1")
    trouble.is_meant = True  # the browser notes a 404 by itself
    house.do(lambda: Team.objects.get().members.remove(lead))
    page.keyboard.press("c")
    told = page.locator("#pane").get_by_role("alert")
    expect(told).to_contain_text("you no longer have access to it")
    expect(page.locator("tr[data-id]")).to_have_count(2)
    assert not ExceptionCase.objects.exclude(owner=None).exists()


def test_keeps_a_view_by_key_opens_the_queue_with_it_and_switches_keys_off(
    open_page: Open, lead: User, unknown_sku: Callable[..., None], shoot: Shoot
) -> None:
    unknown_sku("W-1")
    page = open_page(lead)
    page.goto("/queue/?view=unassigned")
    page.keyboard.press("v")
    expect(page.get_by_label("Name for what is shown now")).to_be_focused()
    page.keyboard.type("Nobody's")
    page.keyboard.press("Enter")
    expect(page.locator("#notices")).to_contain_text("Kept as “Nobody's”.")
    page.keyboard.press("v")
    shoot(page, "views-menu")
    page.get_by_role("link", name="Rename, share, order").click()
    shoot(page, "views")
    page.get_by_label("Opens the queue").check()
    page.get_by_role("button", name="Change Nobody's").click()
    page.get_by_role("link", name="Queue", exact=False).first.click()
    expect(page).to_have_url("/queue/?view=unassigned")
    assert SavedView.objects.get().is_default
    page.goto("/me/")
    shoot(page, "me")
    page.get_by_label("Single keys", exact=True).select_option("Off")
    page.get_by_role("button", name="Keep these settings").click()
    page.goto("/queue/?view=unassigned")
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.locator("tr[data-cursor]")).to_have_count(0)
    assert page.locator("kbd").first.is_hidden()
    assert ExceptionCase.objects.get().owner is None


def test_tabs_and_the_whole_page_have_keys(
    open_page: Open,
    lead: User,
    unknown_sku: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    shoot: Shoot,
) -> None:
    unknown_sku("W-1", "W-2")
    page = open_page(lead, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/queue/")
    page.keyboard.press("y")
    expect(page.locator("#status")).to_have_text("Copied the link of this page")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.keyboard.press("*")
    expect(page.locator(".bulk-bar b")).to_have_text("2 selected")
    page.keyboard.press("*")
    expect(page.locator(".bulk-bar")).to_be_hidden()
    page.keyboard.press("3")
    expect(page).to_have_url("/queue/?view=unassigned")
    page.wait_for_load_state()  # the address changes before the keys of the new page work
    page.keyboard.press("/")
    page.keyboard.type("13*]")
    expect(page.get_by_label("Search orders, SKUs, IDs")).to_have_value("13*]")
    expect(page).to_have_url("/queue/?view=unassigned")
    page.keyboard.press("Escape")
    monkeypatch.setattr("exceptions.queue.PAGE", 1)
    page.reload()
    page.keyboard.press("[")  # there is none before the first
    page.keyboard.press("]")
    expect(page).to_have_url(re.compile("after="))
    expect(page.locator("tr[data-id]")).to_contain_text("W-2")
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#pane .pane-head p")).to_contain_text("W-2")
    page.keyboard.press("y")
    expect(page.locator(".toast")).to_contain_text("Copied the link of exception")
    shoot(page, "copied")
    last = ExceptionCase.objects.get(order_number="W-2").pk
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.evaluate("location.origin") + f"/queue/{last}/"
    page.keyboard.press("[")
    expect(page).to_have_url("/queue/?view=unassigned")
    expect(page.locator("tr[data-id]")).to_contain_text("W-1")


def test_the_palette_presses_what_is_there_and_finds_pages_views_and_ids(
    open_page: Open, lead: User, unknown_sku: Callable[..., None], shoot: Shoot
) -> None:
    unknown_sku("W-1", "W-2")
    case = ExceptionCase.objects.get(order_number="W-1")
    SavedView.objects.create(owner=lead, name="Nobody's", query="view=unassigned", position=1)
    page = open_page(lead)
    page.goto(f"/queue/?case={case.pk}")
    palette = page.get_by_role("dialog", name="Commands")
    field, chosen = palette.get_by_role("combobox"), palette.locator("[aria-selected=true]")

    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    expect(palette.get_by_role("group", name="Views")).to_have_text(re.compile("Nobody's"))
    shoot(page, "palette")
    page.keyboard.type("claim")
    expect(chosen).to_have_text("ClaimC")
    assert field.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("Enter")
    expect(page.locator("#pane .pill").first).to_have_text("Claimed · Ana")

    page.keyboard.press("Control+k")
    page.keyboard.type("note")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Note").get_by_role("textbox")).to_be_focused()
    page.keyboard.type("Rang ")
    page.keyboard.press("Control+k")  # a form that is open keeps the keyboard
    expect(palette).to_be_hidden()
    page.keyboard.press("Escape")

    page.keyboard.press("/")
    page.keyboard.type("half a w")
    page.keyboard.press("Control+k")
    page.keyboard.type("W-2")
    expect(chosen).to_contain_text("W-2 · connectors.mapping_missing")
    shoot(page, "palette-found")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Search orders, SKUs, IDs")).to_have_value("half a w")
    expect(page.get_by_label("Search orders, SKUs, IDs")).to_be_focused()

    menu = page.get_by_role("button", name="Ana menu")
    menu.click()
    page.get_by_role("button", name="Commands").click()
    expect(field).to_be_focused()
    page.keyboard.type("log")
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()

    for words, address in (
        ("W-2", f"/queue/{ExceptionCase.objects.get(order_number='W-2').pk}/"),
        ("conn", "/connections/"),
        ("nobody", "/queue/?view=unassigned"),
    ):
        page.keyboard.press("Control+k")
        page.keyboard.type(words)
        expect(chosen).not_to_contain_text("Search for")
        page.keyboard.press("Enter")
        expect(page).to_have_url(address)
        page.wait_for_load_state()
