"""Resolved and not cured comes back with the evidence; a cause has a page, and parts of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connectors.models import Connection
from exceptions.models import CauseEvent, ExceptionCase
from exceptions.services.merge_causes import merge_causes
from exceptions.services.split_cause import split_cause
from exceptions.services.verify import verify_due
from tests.browser.conftest import House, Open, until
from tests.browser.test_every_page import AXE, COLORS, EVERYTHING, barriers
from tests.browser.world import order_arrives

Shoot = Callable[[Page, str], None]


@pytest.mark.usefixtures("shelf", "wms", "erp")
def test_what_was_resolved_and_is_not_cured_comes_back_on_screen_with_the_evidence(
    open_page: Open, house: House, lead: User, webshop: Connection, shoot: Shoot
) -> None:
    house.erp.refusal = "Tax schedule is missing."
    house.do(lambda: order_arrives(webshop, "W-1"))
    until(ExceptionCase.objects.exists)
    case = ExceptionCase.objects.get()
    page = open_page(lead)
    page.goto(f"/queue/?case={case.pk}")
    expect(page.locator("[data-word]")).to_have_text("Live")
    pane = page.locator("#pane")

    page.keyboard.press("Shift+R")
    dialog = page.get_by_role("dialog", name="Resolve")
    expect(dialog.get_by_label("How")).to_have_value("by hand")
    dialog.get_by_label("Reason").fill("Typed it into NetSuite")
    dialog.get_by_role("button", name="Resolve").click()
    expect(pane.locator(".pill").first).to_have_text("Resolved")
    expect(pane).to_contain_text("Being checked")

    house.do(lambda: verify_due(now=timezone.now() + timedelta(minutes=1)))

    expect(pane.locator(".pill").first).to_have_text("New")
    expect(pane).to_contain_text("Reopened: NetSuite still has no order W-1, looked")
    shoot(page, "not-cured")


def test_the_page_of_a_cause_has_no_barrier_and_splits_what_has_another(
    open_page: Open, lead: User, unknown_sku: Callable[..., None], shoot: Shoot
) -> None:
    unknown_sku("W-1", "W-2", "W-3")
    unknown_sku("W-4", sku="POT-X")
    case = ExceptionCase.objects.earliest("pk")
    page = open_page(lead, bypass_csp=True, reduced_motion="reduce")
    page.goto("/queue/?group=cause")
    page.get_by_role("link", name="About this cause").first.click()
    page.evaluate(AXE)
    found: list[str] = []
    for theme, only in (("light", EVERYTHING), ("dark", COLORS)):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        found += barriers(page, f"cause {theme}", only)
    assert found == []
    shoot(page, "cause")

    page.goto(f"/causes/{case.cause_id}/")
    page.get_by_label(f"Split exception {case.pk}").check()
    page.get_by_label("Their own cause").fill("An old catalogue")
    page.locator("#split-reason").fill("It names last year's cup")
    page.get_by_role("button", name="Split ticked exceptions").click()

    expect(page.get_by_text("has 1 of them. New ones still come here.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Take back").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    assert [event.verb for event in CauseEvent.objects.order_by("pk")] == ["SPLIT", "UNDO"]


def test_open_pages_are_told_when_causes_are_split_and_merged(
    open_page: Open, house: House, lead: User, unknown_sku: Callable[..., None], shoot: Shoot
) -> None:
    unknown_sku("W-1", "W-2")
    unknown_sku("W-3", sku="POT-X")
    first, other = ExceptionCase.objects.earliest("pk"), ExceptionCase.objects.latest("pk")
    cause_page, causes, queue = (open_page(lead) for _ in range(3))
    cause_page.goto(f"/causes/{first.cause_id}/")
    causes.goto("/queue/?group=cause")
    queue.goto(f"/queue/?case={first.pk}")
    for page in (cause_page, causes, queue):
        expect(page.locator("[data-word]")).to_have_text("Live")
    now = timezone.now()

    house.do(
        lambda: split_cause(
            cause_id=first.cause_id,
            case_ids=[first.pk],
            title="Old",
            actor_id=lead.pk,
            reason="Last year's",
            now=now,
        )
    )
    expect(cause_page.locator("tbody tr")).to_have_count(1)
    tick = cause_page.get_by_role("checkbox").first
    tick.check()
    unknown_sku("W-4")
    expect(cause_page.locator("tbody tr")).to_have_count(2, timeout=20_000)
    expect(tick).to_be_checked()
    expect(causes.get_by_role("link", name="Show changes")).to_be_visible()
    expect(queue.locator("#pane dl").first).to_contain_text("Old")
    causes.get_by_role("link", name="Show changes").click()
    expect(causes.locator("tbody tr")).to_have_count(3)

    house.do(
        lambda: merge_causes(
            cause_id=first.cause_id,
            into_id=other.cause_id,
            actor_id=lead.pk,
            reason="One list",
            now=now,
        )
    )
    expect(cause_page.get_by_text("Somebody merged or split this cause")).to_be_visible()
    shoot(cause_page, "cause-changed")
    cause_page.get_by_role("link", name="Show changes").click()
    expect(cause_page).to_have_url(f"/causes/{other.cause_id}/")
    expect(queue.get_by_role("link", name="Show changes")).to_be_visible()
