"""Case by case through a view: nothing twice, nothing left out, and a word at the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from exceptions.models import ExceptionCase, Team
from exceptions.services.take_urgent import take_most_urgent
from tests.console.conftest import SignedIn
from tests.racing import at_once

Stuck = Callable[..., list[ExceptionCase]]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(as_: SignedIn, ana: User) -> Client:
    return as_(ana)


@pytest.fixture
def three(stuck: Stuck) -> list[ExceptionCase]:
    """Three cases, the most urgent first."""
    cases = stuck(3)
    for case, harm in zip(cases, (30, 20, 10), strict=True):
        ExceptionCase.objects.filter(pk=case.pk).update(harm=harm)
    return cases


def opened(answer: Any) -> tuple[int, str]:
    """Which case an answer leads to, and the rest of the address."""
    parts = urlsplit(answer["Location"])
    found = re.fullmatch(r"/queue/(\d+)/", parts.path)
    assert found, answer["Location"]
    return int(found[1]), f"?{parts.query}"


def test_goes_through_a_view_the_most_urgent_first_and_each_once(
    client: Client, three: list[ExceptionCase]
) -> None:
    query, seen, strips = "?view=open", [], []
    for _ in three:
        pk, query = opened(client.get(f"/queue/next/{query}"))
        html = client.get(f"/queue/{pk}/{query}").content.decode()
        strips.append(re.findall(r"\d of \d in Open", html)[0])
        skip = re.search(r'href="/queue/next/([^"]*)" data-key="J"', html)
        assert skip is not None
        seen.append(pk)
        query = skip[1].replace("&amp;", "&")
    assert seen == [case.pk for case in three]
    assert strips == ["1 of 3 in Open", "2 of 3 in Open", "3 of 3 in Open"]
    end = client.get(f"/queue/next/{query}", follow=True)
    assert "That was all of Open. 3 you went past are still here." in end.content.decode()


def test_what_became_more_urgent_meanwhile_is_not_gone_past(
    client: Client, three: list[ExceptionCase]
) -> None:
    first, second, third = (case.pk for case in three)
    ExceptionCase.objects.filter(pk=third).update(is_late=True)
    assert opened(client.get(f"/queue/next/?view=open&seen={first}.{second}"))[0] == third


def test_what_was_done_brings_the_next_one_with_the_number_left_and_a_way_back(
    client: Client, three: list[ExceptionCase]
) -> None:
    first, second, _ = (case.pk for case in three)
    done = {"version": "1", "reason": "By phone"}
    answer = client.post(f"/queue/{first}/resolve/?view=open&seen=", done, headers=HTMX)
    html = answer.content.decode()
    assert answer["HX-Push-Url"] == f"/queue/{second}/?view=open&seen={first}"
    assert answer["HX-Reswap"] == "outerHTML show:none"
    assert "Resolved. 2 left in Open." in html
    assert f'data-id="{second}"' in html
    undo = re.search(r'action="(/queue/\d+/undo/\d+/[^"]*)"', html)
    assert undo is not None
    back = client.post(undo[1].replace("&amp;", "&"), headers=HTMX)
    assert back["HX-Push-Url"] == f"/queue/{first}/?view=open&seen="
    assert f'data-id="{first}"' in back.content.decode()
    assert ExceptionCase.objects.get(pk=first).state == "NEW"


def test_without_a_script_it_goes_on_too_and_a_claim_stays_where_it_is(
    client: Client, three: list[ExceptionCase]
) -> None:
    first, second, _ = (case.pk for case in three)
    stays = client.post(f"/queue/{first}/claim/?view=open&seen=", {"version": "1"})
    assert opened(stays) == (first, "?view=open&seen=")
    done = {"version": "2", "reason": "By phone"}
    goes = client.post(f"/queue/{first}/resolve/?view=open&seen=", done)
    assert opened(client.get(goes["Location"]))[0] == second


def test_a_skip_with_a_reason_leaves_a_note_and_one_without_leaves_nothing(
    client: Client, three: list[ExceptionCase]
) -> None:
    first, second, _ = (case.pk for case in three)
    answer = client.post(f"/queue/{first}/skip/?view=open&seen=", {"reason": "New carrier"})
    assert opened(client.get(answer["Location"]))[0] == second
    note = three[0].events.latest("pk")
    assert (note.verb, note.text) == ("note", "Skipped: New carrier")
    client.post(f"/queue/{second}/skip/?view=open&seen=", {"reason": " "})
    assert three[1].events.count() == 1


def test_an_empty_desk_says_what_nobody_has_and_takes_the_most_urgent(
    client: Client, stuck: Stuck, ana: User
) -> None:
    cases = stuck(7)
    for number, case in enumerate(cases):
        ExceptionCase.objects.filter(pk=case.pk).update(harm=number)
    html = client.get("/queue/next/?view=mine", follow=True).content.decode()
    assert "Nothing left in Mine." in html
    assert "7 are unassigned." in html
    assert "Take the most urgent 5" in html
    taken = client.post("/queue/take/")
    assert taken["Location"] == "/queue/next/?view=mine&seen="
    mine = ExceptionCase.objects.filter(owner=ana, state="CLAIMED")
    assert set(mine.values_list("pk", flat=True)) == {case.pk for case in cases[2:]}
    assert ExceptionCase.objects.filter(owner=None, state="NEW", version=1).count() == 2


def test_a_strange_address_begins_at_the_top(client: Client, three: list[ExceptionCase]) -> None:
    for query in ("?view=no", "?seen=x.y.", f"?seen={'9' * 40}", "?connection=%00", ""):
        answer = client.get(f"/queue/next/{query}")
        assert answer.status_code == 302
    assert opened(client.get("/queue/next/?view=no&seen=x"))[0] == three[0].pk


@pytest.mark.django_db(transaction=True)
def test_two_who_take_at_once_never_get_the_same(stuck: Stuck, ana: User, lea: User) -> None:
    stuck(8)

    def take(user: User) -> list[int]:
        return [case.pk for case in take_most_urgent(user=user, count=4, now=timezone.now())]

    first, second = at_once([lambda: take(ana), lambda: take(lea)])
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert first
    assert second
    assert not set(first) & set(second)
    assert set(ExceptionCase.objects.filter(owner=ana).values_list("pk", flat=True)) == set(first)


def test_another_team_s_cases_are_in_nobody_else_s_walk(
    as_: SignedIn, ben: User, finance_team: Team, three: list[ExceptionCase]
) -> None:
    answer = as_(ben).get("/queue/next/?view=open")
    assert answer["Location"] == "/queue/?view=open"
    assert as_(ben).post("/queue/take/")["Location"] == "/queue/?view=mine"
    assert not ExceptionCase.objects.exclude(owner=None).exists()
