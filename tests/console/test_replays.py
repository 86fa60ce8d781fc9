"""Replays of many on the page, without a line of JavaScript: select, plan, start, steer, report."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from connectors.models import Connection
from connectors.services.codes import save_mapping
from exceptions.models import BulkScope, ExceptionCase, ReplayRun
from tests.conftest import Stock
from tests.console.conftest import SignedIn
from tests.exceptions.runs import Clock, ends

Stuck = Callable[..., list[ExceptionCase]]


def text_of(answer: Any) -> str:
    """What one reads: no tags, single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def page(as_: SignedIn, lea: User) -> Client:
    return as_(lea)


@pytest.fixture
def fixed(stuck: Stuck, webshop: Connection, stock: Stock) -> Callable[[int], list[ExceptionCase]]:
    """Orders that stopped for an item that is there by now, so that nothing took them again."""

    def make(count: int) -> list[ExceptionCase]:
        cases = stuck(count)
        stock("MUG-XMAS", 500)
        return cases

    return make


def test_ticked_ones_are_planned_started_and_reported(
    page: Client, fixed: Callable[[int], list[ExceptionCase]]
) -> None:
    cases = fixed(4)
    html = page.get("/queue/").content.decode()
    assert html.count('name="ids"') == 4
    assert 'form="bulk"' in html

    answer = page.post("/replays/select/", {"ids": [case.pk for case in cases[:3]]})
    plan_url = answer["Location"]
    told = text_of(page.get(plan_url))
    assert "Replay 3 orders?" in told
    assert "All that you chose can be replayed." in told
    assert "Money that hangs on them: 44.70 EUR." in told
    answer = page.post(plan_url, {"reason": "It is listed now"}, follow=True)
    run = ReplayRun.objects.get()
    assert answer.request["PATH_INFO"] == f"/replays/{run.pk}/"
    assert page.get(plan_url)["Location"] == f"/replays/{run.pk}/"

    clock = Clock()
    ReplayRun.objects.update(next_look_at=clock.now)
    clock.until(lambda: ends(run))

    told = text_of(page.get(f"/replays/{run.pk}/"))
    assert "3 done, 0 failed again, 0 skipped." in told
    assert "It is listed now" in told
    assert "Replay 3 orders" in text_of(page.get("/replays/"))
    cases[3].refresh_from_db()
    assert cases[3].state == "NEW"


def test_all_that_match_are_held_by_the_server_and_new_ones_are_not_in_it(
    page: Client, fixed: Callable[[int], list[ExceptionCase]], stuck: Stuck
) -> None:
    fixed(70)
    answer = page.post("/replays/select/all/?view=open&connection=webshop&case=5", follow=True)
    assert "All 70 that match are selected. New ones since" in text_of(answer)
    scope = BulkScope.objects.get()
    assert scope.query == {"view": "open", "connection": "webshop"}
    stuck(1, sku="POT-XMAS")

    told = text_of(page.get(f"/replays/plan/{scope.pk}/"))

    assert "Replay 70 orders?" in told
    assert "are not included: 1 so far" in told


def test_fix_and_replay_of_a_cause_says_what_is_left_out(page: Client, stuck: Stuck) -> None:
    cases = stuck(3)
    assert "Fix and replay 3" in text_of(page.get("/queue/?group=cause"))

    answer = page.post(f"/queue/causes/{cases[0].cause_id}/replay/", follow=True)

    told = text_of(answer)
    assert "Nothing can be replayed now" in told
    assert "3 of the 3 you chose are left out: 3 need a mapping first." in told
    page.post(answer.request["PATH_INFO"], {})
    assert not ReplayRun.objects.exists()


def test_one_of_a_cause_is_replayed_at_once(
    page: Client, fixed: Callable[[int], list[ExceptionCase]]
) -> None:
    (case,) = fixed(1)

    page.post(f"/queue/causes/{case.cause_id}/replay/")

    case.refresh_from_db()
    assert case.state == "REPLAYING"
    assert not ReplayRun.objects.exists()


def test_what_failed_can_be_opened_and_replayed_again(
    page: Client, fixed: Callable[[int], list[ExceptionCase]], webshop: Connection
) -> None:
    cases = fixed(4)
    url = page.post("/replays/select/", {"ids": [case.pk for case in cases]})["Location"]
    page.post(url)
    run = ReplayRun.objects.get()
    save_mapping(connection_id=webshop.pk, table="SKU", external_code="MUG-XMAS",
                 canonical_code="GONE")  # fmt: skip
    ExceptionCase.objects.update(state="NEW")
    run.items.filter(number__lte=2).update(
        state="FAILED", failed_as=cases[0].cause, end_number=None
    )
    run.items.filter(number__gt=2).update(state="DONE")
    ReplayRun.objects.update(state="DONE", finished_at=run.started_at, next_look_at=None)

    told = page.get(f"/replays/{run.pk}/")
    assert "Open the 2 that failed" in text_of(told)
    assert "Replay the 2" in text_of(told)
    link = f"/queue/?view=open&run={run.pk}&result=failed"
    assert link.replace("&", "&amp;") in told.content.decode()
    shown = page.get(link).content.decode()
    assert shown.count('name="ids"') == 2
    assert "Waiting for you" in text_of(page.get("/replays/"))
    again = page.post(f"/replays/{run.pk}/again/")["Location"]
    assert BulkScope.objects.latest("created_at").count == 2
    assert again.startswith("/replays/plan/")
    page.post(f"/replays/{run.pk}/close/")
    assert "Waiting for you" not in text_of(page.get("/replays/"))


def test_pausing_and_cancelling_answer_with_the_page(
    page: Client, fixed: Callable[[int], list[ExceptionCase]]
) -> None:
    cases = fixed(6)
    page.post(page.post("/replays/select/", {"ids": [c.pk for c in cases]})["Location"])
    run = ReplayRun.objects.get()

    assert "Paused" in text_of(page.post(f"/replays/{run.pk}/pause/", follow=True))
    told = text_of(page.get(f"/replays/{run.pk}/"))
    assert "Cancel the 6 not sent yet" in told
    assert "Resume" in told
    told = text_of(page.post(f"/replays/{run.pk}/cancel/", follow=True))
    assert "0 done, 0 failed again, 0 skipped, 6 not sent." in told
    assert "This replay is cancelled. Nothing was changed." in text_of(
        page.post(f"/replays/{run.pk}/resume/", follow=True)
    )
    assert page.post(f"/replays/{run.pk}/explode/").status_code == 404


def test_a_selection_is_its_own_person_s(
    as_: SignedIn, page: Client, mia: User, fixed: Callable[[int], list[ExceptionCase]]
) -> None:
    (case,) = fixed(1)
    url = page.post("/replays/select/", {"ids": case.pk})["Location"]

    assert as_(mia).get(url).status_code == 404
    assert as_(mia).post(url).status_code == 404
    assert "None of these exceptions is here any more" in text_of(
        page.post("/replays/select/", {"ids": "999999999"}, follow=True)
    )


def test_an_agent_sees_no_ticks_and_no_buttons(
    as_: SignedIn, ana: User, fixed: Callable[[int], list[ExceptionCase]]
) -> None:
    fixed(2)
    client = as_(ana)
    assert 'name="ids"' not in client.get("/queue/").content.decode()
    assert "Fix and replay" not in text_of(client.get("/queue/?group=cause"))


def test_the_pages_ask_the_same_number_of_questions_for_any_number_of_cases(
    page: Client,
    fixed: Callable[[int], list[ExceptionCase]],
    django_assert_max_num_queries: Any,
) -> None:
    cases = fixed(40)
    url = page.post("/replays/select/", {"ids": [c.pk for c in cases]})["Location"]
    with django_assert_max_num_queries(26):
        page.get(url)
    page.post(url)
    with django_assert_max_num_queries(22):
        page.get(f"/replays/{ReplayRun.objects.get().pk}/")
    with django_assert_max_num_queries(14):
        page.get("/replays/")
