"""A program replays many: of its own connection, within its scopes, with numbers that add up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connectors import drains
from connectors.models import Connection, InboundMessage
from connectors.services.api_keys import Scope
from exceptions.models import ExceptionCase, ReplayRun
from orders.models import Order
from tests.api.conftest import Caller, body_of, make_key
from tests.conftest import Stock
from tests.exceptions.runs import Clock, ends


def post(caller: Caller, path: str, body: Any = None) -> Any:
    return caller.client.post(
        f"/api/v1/{path}", json.dumps(body or {}), content_type="application/json",
        headers=caller.headers,
    )  # fmt: skip


@pytest.fixture
def stuck(caller: Caller, time_passes: Any, stock: Stock) -> list[ExceptionCase]:
    """Three orders of a mug that was not listed when they came."""
    for n in range(3):
        caller.place(body_of(f"A-{n}"), f"k-{n}")
    time_passes()
    drains.drain_inbox()
    cases = list(ExceptionCase.objects.order_by("pk"))
    stock("MUG", 50)
    return cases


def test_starts_of_a_code_and_finishes(caller: Caller, stuck: list[ExceptionCase]) -> None:
    answer = post(caller, "replays", {"code": "connectors.mapping_missing", "reason": "Listed"})

    assert answer.status_code == 201
    told = answer.json()
    assert told["title"] == "Replay 3 orders"
    assert told["counts"] == {
        "selected": 3, "pending": 3, "sent": 0, "done": 0, "failed": 0, "skipped": 0,
        "cancelled": 0,
    }  # fmt: skip
    run = ReplayRun.objects.get()
    clock = Clock()
    ReplayRun.objects.update(next_look_at=clock.now)
    clock.until(lambda: ends(run))
    told = caller.get(f"replays/{run.pk}").json()
    assert (told["state"], told["is_final"], told["counts"]["done"]) == ("DONE", True, 3)
    assert Order.objects.count() == 3


def test_pauses_resumes_and_cancels(caller: Caller, stuck: list[ExceptionCase]) -> None:
    ids = [case.pk for case in stuck[:2]]
    run_id = post(caller, "replays", {"case_ids": ids}).json()["id"]

    assert post(caller, f"replays/{run_id}/pause").json()["state"] == "PAUSED"
    assert post(caller, f"replays/{run_id}/resume").json()["state"] == "RUNNING"
    told = post(caller, f"replays/{run_id}/cancel").json()
    assert (told["state"], told["counts"]["cancelled"]) == ("CANCELLED", 2)
    answer = post(caller, f"replays/{run_id}/resume")
    assert (answer.status_code, answer.json()["code"]) == (409, "exceptions.verb_not_allowed")
    assert post(caller, f"replays/{run_id}/explode").status_code == 404


def test_a_second_start_of_the_same_cases_starts_nothing(
    caller: Caller, stuck: list[ExceptionCase]
) -> None:
    asked = {"code": "connectors.mapping_missing"}
    post(caller, "replays", asked)

    answer = post(caller, "replays", asked)

    assert (answer.status_code, answer.json()["code"]) == (409, "exceptions.nothing_selected")
    assert ReplayRun.objects.count() == 1


def test_another_connection_s_cases_and_runs_are_not_there(
    caller: Caller, stranger: Caller, stuck: list[ExceptionCase]
) -> None:
    ids = [case.pk for case in stuck]
    assert post(stranger, "replays", {"case_ids": ids}).status_code == 409
    run_id = post(caller, "replays", {"case_ids": ids}).json()["id"]
    assert post(stranger, f"replays/{run_id}/cancel").status_code == 404
    assert ReplayRun.objects.get().state == "RUNNING"


def test_writing_wants_its_scope_and_a_whole_request(
    client: Client, shop: Connection, caller: Caller, stuck: list[ExceptionCase]
) -> None:
    reader = Caller(client, make_key(shop, Scope.REPLAYS_READ, Scope.CASES_READ).plain)
    assert post(reader, "replays", {"code": "x"}).status_code == 403
    assert post(reader, "replays/1/cancel").status_code == 403
    for body in ({}, {"code": "x", "case_ids": [1]}, {"case_ids": ["x"]}):
        assert post(caller, "replays", body).status_code == 400


def test_a_key_that_lost_its_right_sends_nothing_more(
    caller: Caller, stuck: list[ExceptionCase]
) -> None:
    post(caller, "replays", {"code": "connectors.mapping_missing"})
    run = ReplayRun.objects.get()
    assert run.api_key is not None
    run.api_key.scopes = []
    run.api_key.save()

    clock = Clock()
    ReplayRun.objects.update(next_look_at=clock.now)
    clock.until(lambda: ends(run))

    assert run.items.filter(state="SKIPPED", why="no access").count() == 3
    assert not Order.objects.exists()


def test_tries_what_is_stored_and_what_is_given(caller: Caller, stuck: list[ExceptionCase]) -> None:
    message = InboundMessage.objects.order_by("pk")[0]
    told = caller.get(f"messages/{message.pk}/try").json()
    changed = {one["path"]: one["after"] for one in told["changes"]}
    assert (told["error"], changed["A-0.state"]) == ("", "ACCEPTED")

    told = post(caller, f"messages/{message.pk}/try", body_of("A-0", total="1.00")).json()

    assert told["error_code"] == "connectors.invalid_body"
    assert (told["changes"], told["effects"]) == ([], [])
    assert not Order.objects.exists()
    assert InboundMessage.objects.get(pk=message.pk).edited_body is None
    assert timezone.now() > message.received_at
