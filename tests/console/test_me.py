"""What somebody chose for themselves holds on every page, and touches nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from exceptions.models import ExceptionCase
from exceptions.walk import goes_on
from retailhub.models import Preferences
from tests.console.conftest import SignedIn

Stuck = Callable[..., list[ExceptionCase]]
CHOSEN = {"time_zone": "Asia/Tokyo", "theme": "dark", "density": "compact"}


@pytest.fixture
def client(as_: SignedIn, ana: User) -> Client:
    return as_(ana)


def in_list(client: Client, case: ExceptionCase, verb: str, **values: Any) -> Any:
    """Press a button in the pane beside the open list."""
    headers = {
        "HX-Request": "true",
        "HX-Current-URL": f"http://testserver/queue/?view=open&case={case.pk}",
    }
    values = {"version": case.version, **values}
    return client.post(f"/queue/{case.pk}/{verb}/", values, headers=headers)


def test_zone_colours_and_rows_hold_on_the_next_page_for_this_person_only(
    client: Client, as_: SignedIn, stuck: Stuck, lea: User
) -> None:
    case = stuck(1)[0]
    answer = client.post("/me/save/", CHOSEN, follow=True)
    assert "Kept." in answer.content.decode()
    html = client.get(f"/queue/{case.pk}/").content.decode()
    assert 'data-theme="dark" data-density="compact"' in html
    assert "data-keys=" not in html
    assert "Times in Asia/Tokyo" in html
    opened = timezone.localtime(case.opened_at, ZoneInfo("Asia/Tokyo"))
    assert f"{opened:%d %b %H:%M}" in html
    assert timezone.get_current_timezone_name() == "Europe/Berlin", "a zone was left behind"
    other = as_(lea).get(f"/queue/{case.pk}/").content.decode()
    assert "Times in Europe/Berlin" in other
    assert "data-density" not in other
    assert Preferences.objects.count() == 1


def test_what_is_chosen_beats_what_this_device_remembered(client: Client) -> None:
    client.cookies["theme"] = "dark"
    answer = client.post("/me/save/", {**CHOSEN, "theme": "light"})
    assert answer.cookies["theme"].value == "light"
    assert client.post("/me/save/", {**CHOSEN, "theme": ""}).cookies["theme"].value == ""


def test_nonsense_is_refused_and_keeps_nothing(client: Client) -> None:
    for wrong in ({"time_zone": "Mars/Base"}, {"theme": "pink"}, {"density": "x" * 99}):
        answer = client.post("/me/save/", {**CHOSEN, **wrong})
        assert answer.status_code == 422, wrong
        assert "is not one of the available choices" in answer.content.decode(), wrong
    assert not Preferences.objects.exists()


@pytest.mark.parametrize("how", ["alt", "off"])
def test_single_keys_work_on_every_page_as_they_were_chosen(client: Client, how: str) -> None:
    client.post("/me/save/", {"goes_on": "on", "single_keys": how})
    assert f'data-keys="{how}"' in client.get("/orders/").content.decode()


def test_the_next_case_of_the_list_opens_for_agents_and_the_same_one_stays_for_leads(
    client: Client, as_: SignedIn, stuck: Stuck, ana: User, lea: User
) -> None:
    assert goes_on(ana)
    assert not goes_on(lea)
    first, second, third = stuck(3)
    for case, harm in ((first, 30), (second, 20), (third, 10)):
        ExceptionCase.objects.filter(pk=case.pk).update(harm=harm)
        case.refresh_from_db()
    answer = in_list(client, second, "resolve", reason="By phone")
    assert answer["HX-Push-Url"] == f"/queue/?view=open&case={third.pk}"
    assert answer["HX-Reswap"] == "outerHTML show:none"
    assert "Resolved. 2 left in Open." in answer.content.decode()
    assert "HX-Push-Url" not in in_list(client, first, "claim")
    assert "HX-Push-Url" not in in_list(client, third, "resolve", reason="The last of the list")
    assert "HX-Push-Url" not in in_list(as_(lea), first, "snooze", minutes="60")
    client.post("/me/save/", CHOSEN)
    assert not goes_on(User.objects.select_related("preferences").get(pk=ana.pk))


def test_taking_back_from_the_next_case_opens_the_one_it_was_about(
    client: Client, stuck: Stuck
) -> None:
    first, second = stuck(2)
    in_list(client, first, "resolve", reason="By phone")
    event = first.events.latest("pk")
    at = f"http://testserver/queue/?view=open&case={second.pk}"
    headers = {"HX-Request": "true", "HX-Current-URL": at}
    answer = client.post(f"/queue/{first.pk}/undo/{event.pk}/", headers=headers)
    assert answer["HX-Push-Url"] == f"/queue/?view=open&case={first.pk}"
    assert f'data-id="{first.pk}"' in answer.content.decode()
    first.refresh_from_db()
    assert first.state == "NEW"
