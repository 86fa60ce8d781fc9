"""Others are told by webhook: signed, at least once under one id, and nothing personal."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from connectors.models import Connection
from connectors.services import breaker
from connectors.systems.base import SignatureInvalid
from connectors.systems.signatures import verify_standard_webhook
from exceptions.models import ExceptionCase, Notice, Subscription, Team
from exceptions.models.hooks import Kind
from exceptions.services import acts
from exceptions.services.cases import close_cured
from exceptions.services.send_again import send_again
from exceptions.services.send_notices import GIVES_UP_AFTER, MOST_TRIES
from exceptions.services.weigh import weigh_what_changed
from tests.exceptions.conftest import OpenCase
from tests.exceptions.hooks.receiving import SECRET, Receiver, Subscribe, send
from tests.racing import at_once


def test_tells_of_a_case_from_its_opening_to_its_end(
    subscribe: Subscribe, receiver: Receiver, problem: OpenCase, shop: Connection, soon: datetime
) -> None:
    subscribe()
    case = problem("connectors.rejected", detail="Käthe Vogel, Kastanienallee 7: no such street")
    send(soon)
    ExceptionCase.objects.filter(pk=case.pk).update(harm_until=case.due_at)
    weigh_what_changed(now=case.due_at)
    close_cured(ExceptionCase.objects.filter(pk=case.pk), how="by itself", now=soon)
    send(soon)

    assert [receiver.told(n)["type"] for n in range(3)] == [
        *("case.opened", "case.breached", "case.resolved"),
    ]
    assert len(set(receiver.ids)) == 3
    told = receiver.told(0)["data"]
    assert (told["case_id"], told["code"], told["connection"]) == (
        *(case.pk, "connectors.rejected", "shopify-de"),
    )
    assert told["url"].endswith(f"/queue/{case.pk}/")
    assert not any(
        "Käthe" in body.decode() or "allee" in body.decode() for _, body in receiver.heard
    )
    assert set(Notice.objects.values_list("state", flat=True)) == {"SENT"}
    assert send(soon) == 0


def test_a_changed_byte_is_noticed(
    subscribe: Subscribe, receiver: Receiver, problem: OpenCase, soon: datetime
) -> None:
    subscribe()
    problem("connectors.rejected")
    send(soon)
    headers, body = receiver.heard[0]
    with pytest.raises(SignatureInvalid):
        verify_standard_webhook(headers, body + b" ", [SECRET], datetime.now(UTC))


def test_comes_again_under_the_same_id_until_it_is_taken(
    subscribe: Subscribe, receiver: Receiver, problem: OpenCase, soon: datetime
) -> None:
    row = subscribe()
    problem("connectors.rejected")
    receiver.status = 500
    assert send(soon) == 0
    assert send(soon + timedelta(seconds=4)) == 0  # put off
    assert len(receiver.heard) == 1
    row.refresh_from_db()
    assert (row.failures, row.last_error) == (1, "It answered 500.")

    receiver.status = 200
    assert send(soon + timedelta(seconds=6)) == 1

    assert len(set(receiver.ids)) == 1
    row.refresh_from_db()
    assert (row.failures, row.failing_since, row.last_error) == (0, None, "")
    assert Notice.objects.get().attempts == 2


def test_one_that_is_slow_holds_a_worker_for_one_call_only(
    subscribe: Subscribe,
    receiver: Receiver,
    problem: OpenCase,
    soon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exceptions.services.send_notices.TIMEOUT_SECONDS", 0.3)
    subscribe()
    for number in range(3):
        problem("connectors.rejected", subject={"n": number}, context={"n": number})
    receiver.seconds = 30
    began = time.monotonic()

    assert send(soon) == 0

    assert time.monotonic() - began < 15  # it was not waited for
    assert len(receiver.heard) == 1
    assert Notice.objects.filter(state="READY").count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_not_tell_the_same_at_once(
    subscribe: Subscribe, receiver: Receiver, problem: OpenCase, soon: datetime
) -> None:
    subscribe()
    receiver.seconds = 0.1
    for number in range(5):
        problem("connectors.rejected", subject={"n": number}, context={"n": number})

    at_once([lambda: send(soon)] * 4)

    assert sorted(receiver.ids) == sorted(set(receiver.ids))
    assert len(receiver.ids) == 5


def test_one_that_is_refused_keeps_no_other_from_it(
    subscribe: Subscribe, receiver: Receiver, problem: OpenCase, soon: datetime
) -> None:
    subscribe()
    problem("connectors.rejected")
    receiver.status = 422
    for hours in range(MOST_TRIES + 1):
        send(soon + timedelta(hours=2 * hours))
    assert Notice.objects.get().state == "GIVEN_UP"
    assert len(receiver.heard) == MOST_TRIES


@pytest.mark.parametrize("how", ["days", "gone"])
def test_is_switched_off_after_days_and_a_case_says_so(
    subscribe: Subscribe, receiver: Receiver, problem: OpenCase, soon: datetime, how: str
) -> None:
    row = subscribe()
    problem("connectors.rejected")
    receiver.status = 410 if how == "gone" else 503
    send(soon)
    if how == "days":
        send(soon + GIVES_UP_AFTER)

    row.refresh_from_db()
    assert not row.is_active
    case = ExceptionCase.objects.get(code="exceptions.webhook_off")
    assert case.title == "“Pager” is no longer told by webhook"
    assert Notice.objects.filter(state="READY").count() == 1  # kept for when it is switched on
    assert send(soon + 2 * GIVES_UP_AFTER) == 0


def test_a_team_is_told_of_its_own_cases(
    subscribe: Subscribe, problem: OpenCase, orders_team: Team, finance_team: Team, erp: Connection
) -> None:
    subscribe(team=finance_team)
    problem("connectors.rejected")
    of_finance = problem("connectors.rejected", connection_id=erp.pk)
    assert [notice.case_id for notice in Notice.objects.all()] == [of_finance.pk]


def test_an_incident_is_told_once_for_all_its_children(
    subscribe: Subscribe, problem: OpenCase, shop: Connection, now: datetime
) -> None:
    subscribe()
    breaker.extend(shop, "No answer.", now=now)
    child = problem("connectors.exhausted")
    assert child.parent_id is not None

    close_cured(ExceptionCase.objects.filter(pk=child.pk), how="by itself", now=now)

    incident = ExceptionCase.objects.get(code="connectors.connection_down")
    assert [notice.case_id for notice in Notice.objects.all()] == [incident.pk]


def test_a_fact_that_is_undone_is_told_to_nobody(
    subscribe: Subscribe, problem: OpenCase, mia: User, now: datetime
) -> None:
    subscribe(kinds=[Kind.RESOLVED.value])
    case = problem("connectors.rejected")
    acts.resolve_case(case_id=case.pk, actor_id=mia.pk, reason="Done", now=now)
    assert Notice.objects.get().payload["data"]["state"] == "RESOLVED"
    Subscription.objects.update(is_active=False)
    acts.reopen_case(case_id=case.pk, actor_id=mia.pk, reason="", now=now)
    assert Notice.objects.count() == 1


def test_is_sent_again_under_the_same_id(
    subscribe: Subscribe, receiver: Receiver, problem: OpenCase, soon: datetime
) -> None:
    subscribe()
    problem("connectors.rejected")
    send(soon)
    send_again(notice_ids=[Notice.objects.get().pk], now=soon)
    send(soon)
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1
