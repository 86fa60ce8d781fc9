"""The queue over HTTP: pages without gaps, acts that are refused in words."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from exceptions.models import ExceptionCase
from exceptions.services import acts
from tests.browser.world import CUSTOMER, STREET
from tests.console.conftest import SignedIn

Stuck = Callable[..., list[ExceptionCase]]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(as_: SignedIn, ana: User) -> Client:
    return as_(ana)


def ids(html: str) -> list[int]:
    """The rows of a page, in their order."""
    return [int(found) for found in re.findall(r'<tr id="case-(\d+)"', html)]


def test_pages_follow_each_other_without_gaps_or_doubles(client: Client, stuck: Stuck) -> None:
    same = stuck(70)
    moment = timezone.now()
    # All due at the same moment: only the tie-break keeps them apart.
    ExceptionCase.objects.filter(pk__in=[case.pk for case in same]).update(due_at=moment)
    stuck(60, "POT-XMAS")
    address, seen = "/queue/", []
    while address:
        html = client.get(address).content.decode()
        seen += ids(html)
        more = re.search(r'href="(\?[^"]*after=[^"]*)"', html)
        address = "/queue/" + more.group(1).replace("&amp;", "&") if more else ""
    assert len(seen) == 130
    assert sorted(seen) == list(ExceptionCase.objects.order_by("pk").values_list("pk", flat=True))


def test_an_unknown_view_or_cause_shows_something_sensible(client: Client, stuck: Stuck) -> None:
    stuck(1)
    answer = client.get("/queue/?view=nonsense")
    assert ids(answer.content.decode())
    assert "There is no view “nonsense”" in answer.content.decode()
    for cause in ("0", "nonsense", "9" * 30, "²"):
        answer = client.get("/queue/", {"cause": cause})
        assert answer.status_code == 200
        assert "Nothing matches these filters" in answer.content.decode()
    for strange in ({"after": "x_y_z"}, {"after": "1e999_1_1"}, {"case": "9" * 30}, {"case": "²"}):
        assert client.get("/queue/", strange).status_code == 200
    assert client.get("/queue/", {"connection": "nobody\x00"}).status_code == 200


def test_rows_say_what_left_the_view(client: Client, stuck: Stuck, ana: User) -> None:
    stays, leaves = stuck(2)
    acts.resolve_case(case_id=leaves.pk, actor_id=ana.pk, reason="Done", now=timezone.now())
    answer = client.get(f"/queue/rows?ids={stays.pk},{leaves.pk},x,999999,{'9' * 30}")
    assert ids(answer.content.decode()) == [stays.pk]
    gone = answer["X-Gone"].split(",")
    assert str(leaves.pk) in gone
    assert "999999" in gone
    assert str(stays.pk) not in gone


def test_an_act_that_came_too_late_is_a_conflict_in_words(client: Client, stuck: Stuck) -> None:
    case = stuck(1)[0]
    seen = {"version": case.version}
    assert client.post(f"/queue/{case.pk}/claim/", seen).status_code == 303
    assert client.post(f"/queue/{case.pk}/resolve/", {**seen, "reason": "Done"}).status_code == 303
    answer = client.post(f"/queue/{case.pk}/release/", seen, headers=HTMX)
    assert answer.status_code == 409
    assert "This case is resolved now, so release was not done" in answer.content.decode()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_claim_that_came_second_says_who_was_first_and_offers_to_take_over(
    client: Client, stuck: Stuck, ana: User, lea: User, headers: dict[str, str]
) -> None:
    case = stuck(1)[0]
    seen = _version_in(client.get(f"/queue/{case.pk}/"))
    acts.claim_case(case_id=case.pk, actor_id=lea.pk, now=timezone.now())

    answer = client.post(f"/queue/{case.pk}/claim/", {"version": seen}, headers=headers)

    html = answer.content.decode()
    assert answer.status_code == 409
    assert "Lea has this case now, so nothing was changed. Ask Lea, or take over." in html
    assert "Take over from Lea" in html
    url, shown = f"/queue/{case.pk}/take_over/", _version_in(answer)
    assert client.post(url, {"version": shown}, headers=headers).status_code == 422
    done = client.post(url, {"version": shown, "reason": "She is ill"}, headers=headers)
    assert done.status_code == (200 if headers else 303)
    case.refresh_from_db()
    assert (case.owner, case.events.latest("pk").text) == (ana, "From Lea: She is ill")


def test_an_act_that_does_not_say_what_was_seen_changes_nothing(
    client: Client, stuck: Stuck
) -> None:
    case = stuck(1)[0]
    answer = client.post(f"/queue/{case.pk}/claim/")
    assert answer.status_code == 422
    assert "it is not said which version you saw" in answer.content.decode()
    case.refresh_from_db()
    assert (case.state, case.version) == ("NEW", 1)


def _version_in(answer: Any) -> str:
    found = re.search(r'name="version" value="(\d+)"', answer.content.decode())
    assert found is not None
    return found[1]


def test_a_missing_reason_is_named_and_changes_nothing(client: Client, stuck: Stuck) -> None:
    case = stuck(1)[0]
    seen = {"version": case.version}
    for verb, field in (("resolve", "reason"), ("note", "text"), ("snooze", "minutes")):
        for value in ("", "   ", "\x00"):
            answer = client.post(f"/queue/{case.pk}/{verb}/", {**seen, field: value}, headers=HTMX)
            assert answer.status_code == 422, (verb, value)
            assert 'role="alert"' in answer.content.decode()
    for minutes in ("-5", "0", "1e9", "99999999999"):
        answer = client.post(f"/queue/{case.pk}/snooze/", {**seen, "minutes": minutes})
        assert answer.status_code == 422
    case.refresh_from_db()
    assert (case.state, case.version) == ("NEW", 1)


def test_undo_takes_back_only_the_newest_and_only_of_this_case(
    client: Client, stuck: Stuck
) -> None:
    case, other = stuck(2)
    client.post(f"/queue/{case.pk}/claim/", {"version": 1})
    claim = case.events.get(verb="claim")
    assert client.post(f"/queue/{other.pk}/undo/{claim.pk}/").status_code == 403
    client.post(f"/queue/{case.pk}/resolve/", {"version": 2, "reason": "Done"})
    assert client.post(f"/queue/{case.pk}/undo/{claim.pk}/").status_code == 409
    resolve = case.events.get(verb="resolve")
    assert client.post(f"/queue/{case.pk}/undo/{resolve.pk}/").status_code == 303
    case.refresh_from_db()
    assert case.state == "CLAIMED"


def test_a_pane_tells_what_failed_and_nothing_of_who_bought(
    client: Client, stuck: Stuck, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        case = stuck(1)[0]
        html = client.get(f"/queue/{case.pk}/").content.decode()
    assert "MUG-XMAS" in html
    assert "k•••" in html
    for secret in (CUSTOMER["email"], CUSTOMER["phone"], STREET, CUSTOMER["name"]):
        assert secret not in html
        assert secret not in json.dumps([record.getMessage() for record in caplog.records])


def test_times_are_shown_in_the_zone_of_the_house(
    client: Client, stuck: Stuck, settings: object
) -> None:
    case = stuck(1)[0]
    opened = timezone.localtime(case.opened_at)
    html = client.get(f"/queue/{case.pk}/").content.decode()
    assert "Times in Europe/Berlin" in html
    assert f"{opened:%d %b %H:%M}" in html
