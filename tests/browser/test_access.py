"""What somebody may not do is not offered, and what is not theirs is not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from connectors.models import CodeMapping, Connection
from connectors.services.keep_mapping import keep_mapping
from exceptions.models import ExceptionCase, Team
from tests.browser.conftest import House, Open, Trouble, until
from tests.browser.world import order_arrives


@pytest.fixture
def people(ana: User, ben: User, orders_team: Team, webshop: Connection) -> tuple[User, User]:
    """Ana looks after the web shop, Ben does not."""
    orders_team.connections.add(webshop)
    return ana, ben


@pytest.mark.usefixtures("finance_team")
def test_an_agent_sees_nothing_of_another_team_and_no_button_of_a_lead(
    open_page: Open,
    people: tuple[User, User],
    unknown_sku: Callable[..., None],
    trouble: Trouble,
) -> None:
    ana, ben = people
    unknown_sku("W-1")
    case = ExceptionCase.objects.get()
    mine = open_page(ana)
    mine.goto(f"/queue/{case.pk}/")
    expect(mine.get_by_role("button", name="Resolve")).to_be_visible()
    expect(mine.get_by_role("button", name="Ignore")).to_have_count(0)
    expect(mine.get_by_role("button", name="Save mapping")).to_have_count(0)
    expect(mine.get_by_text("A lead chooses what it means to us")).to_be_visible()
    trouble.is_meant = True  # the browser notes a 404 by itself
    theirs = open_page(ben)
    answer = theirs.goto(f"/queue/{case.pk}/")
    assert answer is not None
    assert answer.status == 404
    expect(theirs.get_by_role("heading", name="There is nothing here")).to_be_visible()
    theirs.get_by_role("link", name="Go to the queue").click()
    expect(theirs.get_by_text("No exceptions here.")).to_be_visible()
    assert "W-1" not in theirs.content()


@pytest.mark.usefixtures("shelf", "wms")
def test_an_agent_asks_a_lead_for_a_mapping_and_its_case_goes_on_once_it_is_there(
    open_page: Open,
    house: House,
    people: tuple[User, User],
    webshop: Connection,
    unknown_sku: Callable[..., None],
) -> None:
    unknown_sku("W-1")
    case = ExceptionCase.objects.get()
    page = open_page(people[0])
    page.goto(f"/queue/{case.pk}/")

    page.get_by_role("button", name="Claim").click()
    page.locator("#open-wait").click()
    dialog = page.get_by_role("dialog", name="Ask for this mapping")
    expect(dialog.get_by_label("Who, and what for")).to_have_value("a lead, to map SKU “MUG-XMAS”")
    dialog.get_by_role("button", name="Ask for this mapping").click()
    expect(page.locator(".timeline")).to_contain_text("Waiting for a lead, to map SKU “MUG-XMAS”")
    case.refresh_from_db()
    assert (case.state, case.waits_for) == ("WAITING", "INSIDE")

    row = {"connection": webshop, "table": "SKU", "external_code": "MUG-XMAS"}
    house.do(lambda: keep_mapping(CodeMapping(**row, canonical_code="MUG-WINTER")))
    until(lambda: ExceptionCase.objects.get().state == "RESOLVED")


@pytest.mark.usefixtures("shelf", "wms")
def test_works_without_javascript(
    open_page: Open, house: House, lead: User, webshop: Connection
) -> None:
    lead.set_password("a-long-password")
    lead.save()
    house.erp.refusal = "Tax schedule is missing."
    house.do(lambda: order_arrives(webshop, "W-1"))
    until(ExceptionCase.objects.exists)
    house.erp.refusal = ""
    page = open_page(java_script_enabled=False)
    page.goto("/queue/")
    page.get_by_label("User name").fill("ana")
    page.get_by_label("Password").fill("a-long-password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Tax schedule is missing.").click()
    page.get_by_role("button", name="Claim").click()
    expect(page.locator(".pane-head")).to_contain_text("Claimed · Ana")
    page.get_by_role("button", name="Note").click()
    page.get_by_role("dialog", name="Note").get_by_label("Note").fill("Asked finance")
    page.get_by_role("dialog", name="Note").get_by_role("button", name="Note").click()
    expect(page.locator(".timeline")).to_contain_text("Asked finance")
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#notices")).to_contain_text("Sent. The result shows here")
    until(lambda: ExceptionCase.objects.get().state == "RESOLVED")
    page.reload()
    expect(page.locator(".pane-head")).to_contain_text("Resolved")
