"""Every page, for every role: no error, no refused style, no barrier, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connectors.models import Connection
from exceptions.models import ExceptionCase, Team
from inventory.models import AvailabilityRule
from orders.models import Order
from retailhub.kernel.roles import Role
from tests.browser.conftest import House, Open
from tests.conftest import person
from tests.console.shelves import SKU, tell_of_a_mug, three_channels

AXE = (Path(__file__).parent / "vendor/axe-core-4.14.1/axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERYTHING = {"type": "tag", "values": RULES}
# A theme changes colours and nothing else.
COLORS = {"type": "rule", "values": ["color-contrast"]}
FIXED = ("/login/", "/queue/", "/queue/?group=cause", "/queue/?view=resolved", "/orders/")
MORE = (
    "/connections/",
    "/connections/netsuite/",
    "/inventory/",
    "/inventory/?q=mug",
    "/mappings/sku/",
    "/mappings/tax_code/",
)
STOCK = ("", "?tab=channels", "?tab=movements", "?tab=past&at=2099-01-01T00:00", "?node=BERLIN")
REST = (
    "/audit/",
    "/audit/?who=nobody",
    "/me/",
    "/views/",
    "/search/",
    "/search/?q=W",
    "/search/?q=nothing-of-this-name",
    "/nothing-here/",
)


@pytest.fixture
def addresses(
    house: House, journey: Order, erp: Connection, unknown_sku: Callable[..., None]
) -> list[str]:
    """Every address of the console, with something on each page."""
    house.erp.refusal = "Tax schedule is missing."
    unknown_sku("W-7", "W-8")
    unknown_sku("W-9", sku="MUG")
    tell_of_a_mug(three_channels(), now=timezone.now(), order_id=journey.pk)
    cases = (
        ExceptionCase.objects.order_by("code", "pk").distinct("code").values_list("pk", flat=True)
    )
    tabs = ("timeline", "items", "documents", "messages", "money")
    return [
        *FIXED,
        *(f"/queue/{pk}/" for pk in cases),
        f"/queue/?case={cases[0]}",
        f"/causes/{ExceptionCase.objects.get(pk=cases[0]).cause_id}/",
        *(f"/orders/{journey.pk}/?tab={tab}" for tab in tabs),
        *(f"/inventory/{SKU}/{query}" for query in STOCK),
        "/inventory/rules/",
        f"/inventory/rules/{AvailabilityRule.objects.latest('pk').pk}/",
        *MORE,
        *REST,
    ]


def test_no_page_complains_for_any_role(open_page: Open, addresses: list[str], mia: User) -> None:
    ops = person("ops", "Oda", Role.OPS)
    agent = person("abe", "Abe", Role.AGENT)
    Team.objects.get().members.add(agent)
    each = addresses[:-1]
    # Who may see everything sees every page; the others at least each kind of page.
    for user, theirs in ((mia, [*each, "/system/"]), (ops, each[1::4]), (agent, each[2::4])):
        page = open_page(user)
        for address in theirs:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == 200, address
            assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_no_page_has_a_barrier_in_light_or_dark(
    open_page: Open, addresses: list[str], mia: User
) -> None:
    found: list[str] = []
    page = open_page(mia, bypass_csp=True)
    for address in (*addresses[1:-1], "/system/"):
        page.goto(address)
        page.evaluate(AXE)
        for theme, only in (("light", EVERYTHING), ("dark", COLORS)):
            page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            found += barriers(page, f"{address} {theme}", only)
    assert found == []


def barriers(page: Page, where: str, only: Any = EVERYTHING) -> list[str]:
    """What axe finds on the page as it is now."""
    options = {"runOnly": only, "resultTypes": ["violations"]}
    result: Any = page.evaluate("options => axe.run(document, options)", options)
    assert result["passes"], "axe looked at nothing"
    return [
        f"{where}: {violation['id']} {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def test_dialogs_and_the_sign_in_page_have_no_barrier(
    open_page: Open, addresses: list[str], mia: User
) -> None:
    page = open_page(bypass_csp=True)
    page.goto("/login/")
    page.evaluate(AXE)
    found = barriers(page, "/login/")
    page = open_page(mia, bypass_csp=True)
    page.goto(next(one for one in addresses if one.startswith("/queue/?case")))
    page.evaluate(AXE)
    dialogs = (
        ("n", "Note"),
        ("s", "Snooze"),
        ("Shift+R", "Resolve"),
        ("v", "Views"),
        ("?", "Keyboard"),
        ("Control+k", "Commands"),
    )
    for key, name in dialogs:
        page.keyboard.press(key)
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        found += barriers(page, f"dialog {name}")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog", name=name)).to_be_hidden()
    assert found == []


def test_no_page_scrolls_sideways_on_a_small_phone(
    open_page: Open, addresses: list[str], mia: User
) -> None:
    page = open_page(mia)
    page.set_viewport_size({"width": 320, "height": 640})
    wide = []
    for address in (*addresses[:-1], "/system/"):
        page.goto(address, wait_until="domcontentloaded")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 320:
            wide.append((address, width))
    assert wide == []


def test_theme_time_zone_and_shortcuts_answer_to_keys_and_are_remembered(
    open_page: Open, mia: User
) -> None:
    page = open_page(mia, color_scheme="light")
    page.goto("/orders/")
    page.keyboard.press("t")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.keyboard.press("u")
    expect(page.locator("[data-zone]")).to_have_text("Times in UTC")
    page.keyboard.press("?")
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    here = shortcuts.get_by_label("Single keys on this device")
    for mode, single, with_alt in (("off", "t", "Alt+t"), ("alt", "t", "Alt+Shift+x")):
        here.select_option(mode)
        page.keyboard.press("Escape")
        expect(shortcuts).to_be_hidden()
        page.keyboard.press(single)
        page.keyboard.press(with_alt)
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.reload()
        page.get_by_role("button", name="Mia menu").click()
        page.get_by_role("button", name="Keyboard shortcuts").click()
        expect(here).to_have_value(mode)
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+t")
    assert page.locator("html").get_attribute("data-theme") == "light"
    page.keyboard.press("Alt+g")
    page.keyboard.press("Alt+c")
    expect(page).to_have_url("/connections/")
    expect(page.locator("[data-zone]")).to_have_text("Times in UTC")
