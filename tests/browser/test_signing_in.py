"""Nobody gets in without a password, and everybody lands where their day begins."""

from __future__ import annotations

from django.contrib.auth.models import User
from playwright.sync_api import expect

from exceptions.models import Team
from tests.browser.conftest import Open


def test_signs_in_goes_on_to_what_was_asked_for_and_signs_out(
    open_page: Open, ana: User, orders_team: Team
) -> None:
    ana.set_password("a-long-password")
    ana.save()
    page = open_page()
    page.goto("/orders/")
    page.get_by_label("User name").fill("ana")
    page.get_by_label("Password").fill("not-that-one")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    page.get_by_label("Password").fill("a-long-password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/orders/")
    page.get_by_role("button", name="Ana menu").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login/")
    page.goto("/orders/")
    page.wait_for_url("**/login/?next=/orders/")


def test_a_session_that_ends_elsewhere_says_so_instead_of_failing_silently(
    open_page: Open, ana: User, orders_team: Team
) -> None:
    page = open_page(ana)
    page.goto("/queue/")
    page.context.clear_cookies()
    page.goto("/queue/")
    page.wait_for_url("**/login/?next=/queue/")
