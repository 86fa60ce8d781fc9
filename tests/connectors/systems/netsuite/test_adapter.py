"""NetSuite is asked under a token of an hour, and whatever is asked twice happens once."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.systems.base import Account, IntentKind, MappingMissing
from connectors.systems.http import (
    AnswerLost,
    CredentialsRejected,
    HttpClient,
    RemoteRejected,
    RemoteThrottled,
)
from connectors.systems.netsuite import NetSuite
from tests.connectors.systems.conftest import MakeIntent
from tests.connectors.systems.netsuite.payloads import ORDER, SHIPMENT
from tests.connectors.systems.netsuite.test_mapping import sales_order
from tests.connectors.systems.remote import Remote, Scripted

RECORD = "/services/rest/record/v1"
TOKEN = Scripted(200, {"access_token": "tok-1", "expires_in": "3600", "token_type": "bearer"})
TOKEN_2 = Scripted(200, {"access_token": "tok-2", "expires_in": 3600})
MADE = Scripted(204, None, {"Location": f"https://x.example{RECORD}/salesOrder/10032"})


def refusal(code: str, detail: str, path: str = "", status: int = 400) -> Scripted:
    entry = {"detail": detail, "o:errorCode": code, "o:errorPath": path}
    return Scripted(status, {"title": "Bad Request", "o:errorDetails": [entry]})


def test_posts_an_order_under_our_reference(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(TOKEN, MADE, MADE)
    asked = intent(IntentKind.POST_ORDER, ORDER)

    receipt = NetSuite().send(http, account, asked)
    again = NetSuite().send(http, account, asked)

    assert (receipt.external_id, again.external_id) == ("10032", "10032")
    token, first, second = remote.asked
    assert (token.path, token.body) == (
        "/services/rest/auth/oauth2/v1/token",
        b"grant_type=client_credentials&client_id=an-id&client_secret=a-secret",
    )
    assert (first.method, first.path) == (
        "PUT",
        f"{RECORD}/salesOrder/eid:shopify-de-9120000000000017",
    )
    assert first.headers["authorization"] == "Bearer tok-1"
    assert first.body == second.body, "the same call under the same name"


def test_renews_a_token_that_ended_early_once(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(TOKEN, Scripted(401), TOKEN_2, MADE)

    NetSuite().send(http, account, intent(IntentKind.POST_ORDER, ORDER))

    bearers = [asked.headers.get("authorization") for asked in remote.asked]
    assert bearers == [None, "Bearer tok-1", None, "Bearer tok-2"]


def test_gives_up_when_a_new_token_is_refused_too(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(TOKEN, Scripted(401), TOKEN_2, Scripted(401))

    with pytest.raises(CredentialsRejected):
        NetSuite().send(http, account, intent(IntentKind.POST_ORDER, ORDER))

    assert len(remote.asked) == 4


@pytest.mark.parametrize("answer", [Scripted(401), Scripted(400, {"error": "invalid_client"})])
def test_says_so_when_no_token_is_given(
    remote: Remote, http: HttpClient, account: Account, answer: Scripted
) -> None:
    remote.will_answer(answer)

    with pytest.raises(CredentialsRejected):
        NetSuite().probe(http, account)

    assert len(remote.asked) == 1


def test_a_short_lived_token_is_renewed_before_it_ends(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    brief = Scripted(200, {"access_token": "tok-0", "expires_in": "0"})
    remote.will_answer(brief, MADE, TOKEN, MADE)
    asked = intent(IntentKind.POST_ORDER, ORDER)

    NetSuite().send(http, account, asked)
    NetSuite().send(http, account, asked)

    assert remote.asked[3].headers["authorization"] == "Bearer tok-1"


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (Scripted(429), RemoteThrottled),
        (refusal("SSS_REQUEST_LIMIT_EXCEEDED", "too many"), RemoteThrottled),
        (refusal("USER_ERROR", "Error while accessing a resource. Pick a date."), RemoteRejected),
        (Scripted(503), AnswerLost),
        (Scripted(drops=True), AnswerLost),
        (Scripted(204), AnswerLost),
    ],
)
def test_an_answer_to_a_posting_means_one_thing(
    remote: Remote,
    http: HttpClient,
    account: Account,
    intent: MakeIntent,
    answer: Scripted,
    meaning: type[Exception],
) -> None:
    remote.will_answer(TOKEN, answer)

    with pytest.raises(meaning) as caught:
        NetSuite().send(http, account, intent(IntentKind.POST_ORDER, ORDER))

    assert type(caught.value) is meaning
    if meaning is RemoteRejected:
        assert str(caught.value) == "NetSuite refused: Pick a date."


@pytest.mark.parametrize(
    ("path", "sentence", "table", "code"),
    [
        ("item.items[1].item", "SKU TEAPOT-1L is unknown in NetSuite.", "SKU", "TEAPOT-1L"),
        ("item.items[0].taxCode", "Tax code DE VAT is unknown in NetSuite.", "TAX_CODE", "DE VAT"),
        (
            "shipMethod",
            "Shipping method standard is unknown in NetSuite.",
            "SHIPPING_METHOD",
            "standard",
        ),
    ],
)
def test_names_the_row_that_is_missing(
    *,
    remote: Remote,
    http: HttpClient,
    account: Account,
    intent: MakeIntent,
    path: str,
    sentence: str,
    table: str,
    code: str,
) -> None:
    remote.will_answer(TOKEN, refusal("INVALID_KEY_OR_REF", "Invalid reference key X.", path))

    with pytest.raises(MappingMissing) as caught:
        NetSuite().send(http, account, intent(IntentKind.POST_ORDER, ORDER))

    assert str(caught.value) == sentence
    assert caught.value.context == {"table": table, "external_code": code}


def test_an_unknown_customer_is_no_missing_row(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(TOKEN, refusal("INVALID_KEY_OR_REF", "Invalid entity key 1.", "entity"))

    with pytest.raises(RemoteRejected, match="Invalid entity key 1"):
        NetSuite().send(http, account, intent(IntentKind.POST_ORDER, ORDER))


def test_says_which_setting_is_missing(
    remote: Remote, http: HttpClient, intent: MakeIntent
) -> None:
    bare = Account(slug="erp", base_url="", secrets={})

    with pytest.raises(RemoteRejected, match="customer_id"):
        NetSuite().send(http, bare, intent(IntentKind.POST_ORDER, ORDER))

    assert not remote.asked


def test_closes_an_order_once(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(
        TOKEN,
        Scripted(200, sales_order()),
        MADE,
        Scripted(200, sales_order(orderStatus={"id": "H"})),
    )
    asked = intent(IntentKind.CANCEL_ORDER, {"reference": ORDER["reference"], "reason": "x"})

    NetSuite().send(http, account, asked)
    again = NetSuite().send(http, account, asked)

    assert [call.method for call in remote.asked] == ["POST", "GET", "PATCH", "GET"]
    assert again.detail == "was closed already"


def test_ships_against_the_sales_order(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    made = Scripted(204, None, {"Location": f"{RECORD}/itemFulfillment/20001"})
    remote.will_answer(TOKEN, Scripted(200, sales_order()), made)

    receipt = NetSuite().send(http, account, intent(IntentKind.POST_FULFILLMENT, SHIPMENT))

    assert receipt.external_id == "20001"
    place = f"{RECORD}/salesOrder/eid:shopify-de-9120000000000017/!transform/itemFulfillment"
    assert (remote.asked[2].method, remote.asked[2].path) == ("POST", place)
    assert remote.asked[1].query == {"expandSubResources": "true"}


def test_a_fulfilment_that_exists_already_is_the_receipt(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(
        TOKEN,
        Scripted(200, sales_order()),
        refusal("USER_ERROR", "Error while accessing a resource. This record already exists."),
        Scripted(200, {"id": "20001"}),
    )

    receipt = NetSuite().send(http, account, intent(IntentKind.POST_FULFILLMENT, SHIPMENT))

    assert (receipt.external_id, receipt.detail) == ("20001", "found in NetSuite")


def test_a_fulfilment_refused_for_another_reason_stays_refused(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(
        TOKEN,
        Scripted(200, sales_order()),
        refusal("USER_ERROR", "Item fulfillment quantity exceeds the quantity remaining."),
        refusal("NONEXISTENT_ID", "no such record", status=404),
    )

    with pytest.raises(RemoteRejected, match="quantity exceeds"):
        NetSuite().send(http, account, intent(IntentKind.POST_FULFILLMENT, SHIPMENT))


@pytest.mark.parametrize(
    ("kind", "payload", "answer", "expected"),
    [
        (IntentKind.POST_ORDER, ORDER, Scripted(200, {"id": "10032"}), "10032"),
        (IntentKind.POST_ORDER, ORDER, refusal("NONEXISTENT_ID", "no", status=404), None),
        (IntentKind.POST_FULFILLMENT, SHIPMENT, Scripted(200, {"id": "20001"}), "20001"),
        (IntentKind.POST_FULFILLMENT, SHIPMENT, refusal("NONEXISTENT_ID", "no", status=404), None),
        (IntentKind.CANCEL_ORDER, ORDER, Scripted(200, sales_order()), None),
    ],
)
def test_looks_without_touching(
    *,
    remote: Remote,
    http: HttpClient,
    account: Account,
    intent: MakeIntent,
    kind: IntentKind,
    payload: dict[str, Any],
    answer: Scripted,
    expected: str | None,
) -> None:
    remote.will_answer(TOKEN, answer)

    found = NetSuite().look_up(http, account, intent(kind, payload))

    assert (found and found.external_id) == expected
    assert [call.method for call in remote.asked] == ["POST", "GET"]


def test_probes_sign_in_and_orders(remote: Remote, http: HttpClient, account: Account) -> None:
    remote.will_answer(TOKEN, Scripted(200, {"totalResults": 12, "items": []}))

    assert NetSuite().probe(http, account) == [
        ("Sign-in", "a token was given"),
        ("Sales orders", "12 readable"),
    ]
