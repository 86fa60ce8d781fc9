"""The warehouse ships twice when asked twice, so it is looked at before it is asked again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.systems.base import Account, IntentKind, MappingMissing
from connectors.systems.http import (
    AnswerLost,
    CredentialsRejected,
    HttpClient,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
)
from connectors.systems.warehouse import Warehouse
from tests.connectors.systems.conftest import MakeIntent
from tests.connectors.systems.remote import Remote, Scripted
from tests.connectors.systems.warehouse.test_mapping import AT, REFERENCE, RELEASE

CANCEL = {"reference": REFERENCE, "external_id": "ob_1", "reason": "customer"}


def outbound(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {"id": f"ob_{number}", "reference": REFERENCE, "status": "received"} | changes


def refusal(status: int, code: str, field: str | None = None) -> Scripted:
    return Scripted(status, {"error": {"code": code, "message": "it won't do", "field": field}})


def listed(*orders: dict[str, Any], cursor: str | None = None) -> Scripted:
    return Scripted(200, {"outbound_orders": list(orders), "next_cursor": cursor})


def test_releases_an_order(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(Scripted(201, outbound()))

    receipt = Warehouse().send(http, account, intent(IntentKind.RELEASE_FULFILLMENT, RELEASE))

    assert receipt.external_id == "ob_1"
    asked = remote.asked[0]
    assert (asked.method, asked.path) == ("POST", "/v1/outbound-orders")
    assert asked.headers["authorization"] == "Bearer a-key"
    assert asked.json["reference"] == REFERENCE


def test_nothing_may_be_repeated_without_a_look() -> None:
    assert Warehouse.repeatable == frozenset()


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (Scripted(429, None, {"Retry-After": "3"}), RemoteThrottled),
        (Scripted(401), CredentialsRejected),
        (Scripted(503), AnswerLost),
        (Scripted(drops=True), AnswerLost),
        (Scripted(201, {"status": "received"}), AnswerLost),
        (Scripted(201, b'{"id": "ob_'), AnswerLost),
        (refusal(422, "invalid", "ship_to.city"), RemoteRejected),
        (Scripted(400, b"oops"), RemoteRejected),
    ],
)
def test_an_answer_to_a_release_means_one_thing(
    remote: Remote,
    http: HttpClient,
    account: Account,
    intent: MakeIntent,
    answer: Scripted,
    meaning: type[Exception],
) -> None:
    remote.will_answer(answer)

    with pytest.raises(meaning) as caught:
        Warehouse().send(http, account, intent(IntentKind.RELEASE_FULFILLMENT, RELEASE))

    assert type(caught.value) is meaning


@pytest.mark.parametrize(
    ("code", "field", "sentence", "table", "ours"),
    [
        ("unknown_sku", "lines[0].sku", "SKU MUG-BLUE is unknown in", "SKU", "MUG-BLUE"),
        ("unknown_warehouse", "warehouse", "Location BLN is unknown in", "LOCATION", "BLN"),
        ("invalid", "service", "Shipping method standard is", "SHIPPING_METHOD", "standard"),
    ],
)
def test_names_the_row_that_is_missing(
    *,
    remote: Remote,
    http: HttpClient,
    account: Account,
    intent: MakeIntent,
    code: str,
    field: str,
    sentence: str,
    table: str,
    ours: str,
) -> None:
    remote.will_answer(refusal(422, code, field))

    with pytest.raises(MappingMissing, match=sentence) as caught:
        Warehouse().send(http, account, intent(IntentKind.RELEASE_FULFILLMENT, RELEASE))

    assert caught.value.context == {"table": table, "external_code": ours}


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([], None),
        ([outbound(1)], "ob_1"),
        ([outbound(1, reference=REFERENCE + "2")], None),
        ([outbound(1, status="cancelled"), outbound(2)], "ob_2"),
        ([outbound(1, status="cancelled")], "ob_1"),
    ],
)
def test_finds_what_it_asked_for_by_reference(
    remote: Remote,
    http: HttpClient,
    account: Account,
    intent: MakeIntent,
    orders: list[dict[str, Any]],
    expected: str | None,
) -> None:
    remote.will_answer(listed(*orders))

    found = Warehouse().look_up(http, account, intent(IntentKind.RELEASE_FULFILLMENT, RELEASE))

    assert (found and found.external_id) == expected
    assert remote.asked[0].query == {"reference": REFERENCE}


def test_cancels_what_is_not_cancelled_yet(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    gone = outbound(status="cancelled")
    remote.will_answer(Scripted(200, outbound()), Scripted(200, gone), Scripted(200, gone))
    asked = intent(IntentKind.CANCEL_FULFILLMENT, CANCEL)

    Warehouse().send(http, account, asked)
    again = Warehouse().send(http, account, asked)

    assert [(call.method, call.path) for call in remote.asked] == [
        ("GET", "/v1/outbound-orders/ob_1"),
        ("POST", "/v1/outbound-orders/ob_1/cancel"),
        ("GET", "/v1/outbound-orders/ob_1"),
    ]
    assert again.detail == "was cancelled already"


def test_says_when_it_is_too_late_to_cancel(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(Scripted(200, outbound()), refusal(409, "already_picked"))

    with pytest.raises(RemoteRejected) as caught:
        Warehouse().send(http, account, intent(IntentKind.CANCEL_FULFILLMENT, CANCEL))

    assert caught.value.context["vendor_code"] == "already_picked"


def test_cancels_by_reference_where_the_warehouses_id_is_unknown(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(listed(outbound(7)), Scripted(200, outbound(7, status="cancelled")))

    asked = intent(IntentKind.CANCEL_FULFILLMENT, CANCEL | {"external_id": ""})
    receipt = Warehouse().send(http, account, asked)

    assert receipt.external_id == "ob_7"


@pytest.mark.parametrize(("status", "is_there"), [("received", False), ("cancelled", True)])
def test_looks_whether_it_is_cancelled(
    remote: Remote,
    http: HttpClient,
    account: Account,
    intent: MakeIntent,
    status: str,
    is_there: bool,
) -> None:
    remote.will_answer(Scripted(200, outbound(status=status)))

    found = Warehouse().look_up(http, account, intent(IntentKind.CANCEL_FULFILLMENT, CANCEL))

    assert (found is not None) == is_there


def test_polls_what_changed(remote: Remote, http: HttpClient, account: Account) -> None:
    remote.will_answer(listed(outbound(updated_at=AT, lines=[]), cursor="100"))
    since = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)

    page = Warehouse().poll(http, account, "0", since)

    (message,) = page.messages
    assert (message.envelope.topic, message.envelope.lane) == (
        "order.polled",
        "order:shopify-de-17",
    )
    assert message.envelope.key == f"poll:ob_1:{AT}"
    assert (page.cursor, page.has_more) == ("100", True)
    assert remote.asked[0].query == {
        "updated_since": "2026-11-20T11:00:00+00:00",
        "limit": "100",
        "cursor": "0",
    }


def test_probes_that_it_is_up_and_readable(
    remote: Remote, http: HttpClient, account: Account
) -> None:
    remote.will_answer(Scripted(200, {"status": "ok"}), listed(outbound()))

    assert Warehouse().probe(http, account) == [("Status", "ok"), ("Outbound orders", "readable")]


@pytest.mark.parametrize("body", [[], {}, {"outbound_orders": None}])
def test_a_list_that_is_none_is_asked_for_later(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent, body: Any
) -> None:
    remote.will_answer(Scripted(200, body))

    with pytest.raises(RemoteUnavailable):
        Warehouse().look_up(http, account, intent(IntentKind.RELEASE_FULFILLMENT, RELEASE))
