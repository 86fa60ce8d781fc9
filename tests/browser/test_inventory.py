"""A tired agent at 23:00 sees at a glance why the channel was told 7, by mouse, key or neither."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from inventory.models import ChannelOffer, Item, StockLevel
from inventory.services.count import record_count
from orders.models import Order
from tests.browser.conftest import House, Open, until
from tests.console.shelves import SKU, tell_of_a_mug, three_channels

PAGE = f"/inventory/{SKU}/"


@pytest.fixture
def mug(house: House, journey: Order) -> Item:
    """The mug with a history; three of it are promised to an order that left."""
    return house.do(
        lambda: tell_of_a_mug(three_channels(), now=timezone.now(), order_id=journey.pk)
    )


def bars(page: Page) -> list[tuple[str, float, float]]:
    """Each line's bar as it is painted: colour, left edge and width in parts of the drawing."""
    found: list[tuple[str, float, float]] = page.evaluate(
        """() => [...document.querySelectorAll('.waterfall rect')].map((bar) => {
             const [own, all] = [bar, bar.closest('svg')].map((one) => one.getBoundingClientRect());
             const part = (length) => length / all.width;
             return [getComputedStyle(bar).fill, part(own.left - all.left), part(own.width)];
           })"""
    )
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_waterfall_is_painted_as_the_sum_is(
    open_page: Open, mia: User, mug: Item, theme: str
) -> None:
    page = open_page(mia, color_scheme=theme)
    page.goto(f"{PAGE}?channel=amazon-fr")

    expect(page.get_by_role("heading", name="Why 7 may be sold at Amazon FR")).to_be_visible()
    shapes = [(round(left, 2), round(width, 2)) for _, left, width in bars(page)]
    assert shapes == [
        (0.0, 1.0),  # 18 on hand
        (0.72, 0.28),  # 5 promised
        (0.67, 0.06),  # 1 set aside
        (0.56, 0.11),  # 2 kept back
        (0.0, 0.56),  # 10 offered
        (0.39, 0.17),  # 3 kept from the channel
        (0.0, 0.39),  # 7
    ]
    colors = [color for color, _, _ in bars(page)]
    # What takes looks alike, and unlike what is there at the start and at the end.
    assert len({colors[1], colors[2], colors[3], colors[5]}) == 1
    assert len({colors[0], colors[1], colors[4], colors[6]}) == 4
    table = page.get_by_role("table", name="Why 7")
    expect(table.get_by_role("row", name="Channel buffer")).to_contain_text("−3")
    expect(table.get_by_role("row", name="Channel buffer")).to_contain_text("orders come in late")


def test_everything_is_reached_by_keys(open_page: Open, mia: User, mug: Item) -> None:
    page = open_page(mia)
    page.goto("/queue/")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/inventory/")
    for key in ("j", "j", "Enter"):  # the second row: MUG comes before it
        page.keyboard.press(key)
    page.wait_for_url(f"**{PAGE}")
    page.get_by_role("link", name="Amazon FR").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Why 7 may be sold at Amazon FR")).to_be_visible()
    page.get_by_role("button", name="Pause publishing").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Pause publishing")
    expect(dialog).to_contain_text("It goes on showing 7.")
    page.keyboard.type("Recall")
    page.keyboard.press("Enter")
    expect(page.locator("#notices")).to_contain_text("Paused: Amazon FR is told nothing more")
    expect(page.get_by_role("button", name="Resume publishing")).to_be_visible()
    page.keyboard.press("Escape")
    page.wait_for_url("**/inventory/")


@pytest.mark.usefixtures("mug")
def test_works_without_javascript(open_page: Open, mia: User) -> None:
    page = open_page(mia, java_script_enabled=False)
    page.goto("/inventory/?q=blue")
    page.get_by_role("link", name=SKU).click()
    page.get_by_role("link", name="Amazon FR").click()
    expect(page.locator(".waterfall")).to_contain_text("orders come in late there")
    page.get_by_role("button", name="Push again").click()
    expect(page.locator("#notices")).to_contain_text("Amazon FR is told the number again.")
    page.get_by_role("link", name="Past answers").click()
    page.get_by_role("table", name="What Amazon FR was told lately").get_by_role("link").click()
    expect(page.get_by_role("row", name="Told to Amazon FR")).to_contain_text("7")
    page.get_by_role("link", name="Movements").click()
    page.get_by_role("link", name="Store Kantstraße").click()
    expect(page.locator(".timeline")).to_contain_text("3 counted (+3)")
    assert ChannelOffer.objects.get(channel__code="amazon-fr").forced == "PUSH"


def test_a_count_reaches_the_open_page(open_page: Open, house: House, mia: User, mug: Item) -> None:
    page = open_page(mia)
    page.goto(f"{PAGE}?channel=amazon-fr")
    page.locator("[data-word]", has_text="Live").wait_for()
    level = StockLevel.objects.get(item=mug, location__code="STORE-7")

    house.do(
        lambda: record_count(
            item_id=mug.pk,
            location_id=level.location_id,
            quantity=13,
            counted_at=timezone.now() + timedelta(seconds=1),
            effect_key="count:1",
        )
    )

    expect(page.get_by_role("heading", name="Why 17 may be sold at Amazon FR")).to_be_visible()


def test_a_rule_is_tried_before_it_counts(open_page: Open, mia: User, mug: Item) -> None:
    page = open_page(mia)
    page.goto("/inventory/rules/")
    page.get_by_label("Rule", exact=True).select_option("MAX_LISTED")
    page.get_by_label("Number").fill("0")
    page.get_by_label("Item (SKU)").fill(SKU)
    page.get_by_role("button", name="Show what changes").click()
    expect(page.get_by_role("region", name="Show at most 0")).to_contain_text("go to zero")
    page.get_by_role("button", name="Save the rule").click()
    expect(page.locator("#notices")).to_contain_text("Saved: Show at most 0.")
    page.goto(f"{PAGE}?channel=amazon-fr")
    expect(page.get_by_role("heading", name="Why 0 may be sold at Amazon FR")).to_be_visible()
    until(lambda: page.locator(".waterfall").inner_text().count("Max listed") == 1)
