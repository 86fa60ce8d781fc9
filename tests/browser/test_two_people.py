"""Two people at one exception: each sees the other, and nobody's work is lost."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from connectors.models import Connection, InboundMessage
from exceptions.models import ExceptionCase, Presence, Team
from retailhub.kernel.roles import Role
from tests.browser.conftest import Open, until
from tests.browser.test_every_page import AXE
from tests.browser.test_replays import both
from tests.conftest import person

Shoot = Callable[[Page, str], None]


@pytest.fixture
def ben_too(lead: User, ben: User) -> User:
    """Ben works in Ana's team."""
    Team.objects.get().members.add(ben)
    return ben


def test_both_see_each_other_and_the_second_to_save_decides_with_three_versions_before_them(
    open_page: Open,
    lead: User,
    ben_too: User,
    unknown_sku: Callable[..., None],
    shoot: Shoot,
) -> None:
    unknown_sku("W-1")
    case = ExceptionCase.objects.get()
    ana, his = open_page(lead, bypass_csp=True, reduced_motion="reduce"), open_page(ben_too)
    ana.goto(f"/queue/?case={case.pk}")
    who = ana.locator("#pane [data-who]")
    expect(who).to_have_text("")
    his.goto(f"/queue/{case.pk}/")
    expect(who).to_have_text("Ben is viewing")
    expect(his.locator("[data-who]")).to_have_text("Ana is viewing")
    his.keyboard.press("e")
    expect(who).to_have_text(re.compile(r"^Ben is editing since \d\d:\d\d$"))
    expect(ana.locator("[data-edit]")).to_have_text("Edit anyway")
    shoot(ana, "somebody-edits")

    ana.keyboard.press("e")
    expect(ana.locator("[data-who]")).to_have_text(re.compile("Ben is editing since"))
    his.get_by_label("City").fill("Hamburg")
    his.get_by_label("Reason").fill("Moved")
    his.get_by_role("button", name="Save version 2", exact=True).click()
    expect(his.locator("#notices")).to_contain_text("Version 2 is saved.")

    ana.get_by_label("City").fill("Bremen")
    ana.get_by_label("Postcode").fill("28195")
    ana.get_by_label("Reason").fill("Customer rang")
    ana.get_by_role("button", name="Save version 2", exact=True).click()
    expect(ana.get_by_role("alert")).to_contain_text(
        "Ben changed this while you were editing. Your text is kept."
    )
    table = ana.locator("table")
    expect(table.locator("thead")).to_have_text(re.compile(r"Field\s*Before\s*Ben\s*You"))
    city = table.locator("tr", has_text="city")
    expect(city).to_contain_text(re.compile(r"both\s*Berlin\s*Hamburg\s*Bremen"))
    expect(ana.get_by_label("City")).to_have_value("Bremen")
    expect(ana.get_by_label("Reason")).to_have_value("Customer rang")
    ana.evaluate(AXE)
    assert both(ana, "collision") == []
    shoot(ana, "collision")
    ana.get_by_role("button", name="Save version 3", exact=True).click()
    expect(ana.locator("#notices")).to_contain_text("Version 3 is saved.")
    message = InboundMessage.objects.get()
    assert [
        b"Hamburg" in bytes(row.body or b"") for row in message.versions.order_by("number")
    ] == [True, False]

    his.context.close()
    expect(ana.locator("[data-who]")).to_have_text("")


@pytest.mark.usefixtures("finance_team")
def test_a_person_of_another_team_is_neither_seen_nor_told_who_is_there(
    open_page: Open, lead: User, ben: User, webshop: Connection, unknown_sku: Callable[..., None]
) -> None:
    unknown_sku("W-1")
    case = ExceptionCase.objects.get()
    ana, his = open_page(lead), open_page(ben)
    ana.goto(f"/queue/{case.pk}/")
    until(lambda: Presence.objects.filter(person=lead).exists())
    his.goto("/queue/")
    expect(his.locator("[data-word]")).to_have_text("Live")
    heard = his.evaluate(
        """id => new Promise(resolve => {
          const heard = [], socket = new WebSocket(`ws://${location.host}/ws/live/`);
          socket.onmessage = ({data}) => heard.push(JSON.parse(data).t);
          socket.onopen = () => {
            socket.send(JSON.stringify({t: "look", case: id, edit: true}));
            socket.send(JSON.stringify({t: "sub", topics: ["queue"]}));
            setTimeout(() => resolve(heard), 1500);
          };
        })""",
        case.pk,
    )
    assert "ok" in heard
    assert "who" not in heard
    assert not Presence.objects.filter(person=ben).exists()
    expect(ana.locator("[data-who]")).to_have_text("")


def test_going_one_by_one_leaves_out_what_a_colleague_is_editing(
    open_page: Open, lead: User, unknown_sku: Callable[..., None]
) -> None:
    unknown_sku("W-1", "W-2")
    first, second = ExceptionCase.objects.order_by("order_number")
    ExceptionCase.objects.filter(pk=first.pk).update(harm=9, is_late=True)
    carl = person("carl", "Carl", Role.AGENT)
    Team.objects.get().members.add(carl)
    his = open_page(carl)
    his.goto(f"/queue/{first.pk}/edit/")
    until(lambda: Presence.objects.filter(is_editing=True).exists())
    ana = open_page(lead)
    ana.goto("/queue/")
    ana.keyboard.press("p")
    expect(ana.locator(".strip")).to_contain_text("1 of 1 in Open")
    expect(ana.locator("#pane .pane-head > p")).to_contain_text(second.order_number)
