"""The shop is polled page by page, and what GraphQL says inside a 200 is heard."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.systems.base import Account
from connectors.systems.http import (
    AnswerLost,
    CredentialsRejected,
    HttpClient,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
)
from connectors.systems.shopify import Shopify
from connectors.systems.shopify.client import PAGE_SIZES, Shop
from retailhub.kernel.json import read_json
from tests.connectors.systems.remote import Remote, Scripted
from tests.connectors.systems.shopify.orders import order

SINCE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
NEXT = (
    '<https://shop.example/admin/api/2026-07/orders.json?limit=250&page_info=abc%3D%3D>; rel="next"'
)


def page(*orders: Any, link: str = "", calls: str = "1/40") -> Scripted:
    body = json.dumps({"orders": list(orders)}, separators=(",", ":")).encode()
    headers = {"Link": link, "X-Shopify-Shop-Api-Call-Limit": calls}
    return Scripted(200, body, headers)


def test_polls_orders_in_the_very_bytes_of_a_webhook(
    remote: Remote, http: HttpClient, account: Account
) -> None:
    remote.will_answer(
        page(order(), order(id=2, updated_at="2026-11-20T10:31:00+01:00"), link=NEXT)
    )

    found = Shopify().poll(http, account, "", SINCE)

    first, second = found.messages
    assert first.body == json.dumps(order(), separators=(",", ":")).encode()
    assert first.envelope.key == "poll:9120000000000017:2026-11-20T10:30:01+01:00"
    assert (first.envelope.topic, first.envelope.lane) == (
        "orders/updated",
        "order:9120000000000017",
    )
    assert second.envelope.key == "poll:2:2026-11-20T10:31:00+01:00"
    assert Shopify().read(first.envelope.topic, read_json(first.body)).facts
    assert (found.cursor, found.has_more, found.wait) == ("abc==", True, 0.0)
    asked = remote.asked[0]
    assert asked.path == "/admin/api/2026-07/orders.json"
    assert asked.query == {
        "limit": "250",
        "status": "any",
        "order": "updated_at asc",
        "updated_at_min": "2026-11-20T09:00:00+00:00",
    }
    assert asked.headers["x-shopify-access-token"] == "a-token"


def test_goes_on_where_the_page_ended(remote: Remote, http: HttpClient, account: Account) -> None:
    remote.will_answer(page(order()))

    found = Shopify().poll(http, account, "abc==", SINCE)

    assert remote.asked[0].query == {"limit": "250", "page_info": "abc=="}
    assert (found.cursor, found.has_more) == ("", False)


def test_begins_anew_when_a_page_is_no_longer_known(
    remote: Remote, http: HttpClient, account: Account
) -> None:
    remote.will_answer(Scripted(400, {"errors": "Invalid page_info"}), page(order()))

    found = Shopify().poll(http, account, "old", SINCE)

    assert len(found.messages) == 1
    assert "updated_at_min" in remote.asked[1].query


def test_asks_for_less_when_a_page_is_too_large(
    remote: Remote, http: HttpClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.systems.http.MAX_ANSWER_BYTES", 20_000)
    remote.will_answer(page(order(note="x" * 30_000)), page(order()))

    Shopify().poll(http, account, "", SINCE)

    assert [asked.query["limit"] for asked in remote.asked] == [str(n) for n in PAGE_SIZES[:2]]


@pytest.mark.parametrize(
    ("calls", "wait"), [("1/40", 0.0), ("32/40", 0.0), ("40/40", 4.0), ("", 0.0), ("x/y", 0.0)]
)
def test_pauses_when_the_bucket_is_nearly_full(
    remote: Remote, http: HttpClient, account: Account, calls: str, wait: float
) -> None:
    remote.will_answer(page(calls=calls))

    assert Shopify().poll(http, account, "", SINCE).wait == wait


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"orders": null}', b'"x"'])
def test_a_list_that_is_none_is_asked_for_later(
    remote: Remote, http: HttpClient, account: Account, body: bytes
) -> None:
    remote.will_answer(Scripted(200, body))

    with pytest.raises(RemoteUnavailable):
        Shopify().poll(http, account, "", SINCE)


def error(code: str, message: str = "no") -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


COST = {
    "extensions": {
        "cost": {
            "requestedQueryCost": 300,
            "throttleStatus": {"currentlyAvailable": 100, "restoreRate": 100},
        }
    }
}


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        (error("THROTTLED") | COST, RemoteThrottled),
        (error("ACCESS_DENIED"), CredentialsRejected),
        (error("INTERNAL_SERVER_ERROR"), AnswerLost),
        (error("undefinedField"), RemoteRejected),
        ({"errors": "[API] Invalid API key"}, RemoteRejected),
        ({"errors": [None]}, RemoteRejected),
        (error("ACCESS_DENIED") | {"data": {"thing": {"id": 1}}}, AnswerLost),
        (error("undefinedField") | {"data": {"thing": None}}, RemoteRejected),
        ({"data": {"thing": None}}, AnswerLost),
        ({"data": None}, AnswerLost),
        ({}, AnswerLost),
        ([], AnswerLost),
        (
            {"data": {"thing": {"userErrors": [{"field": ["a", "b"], "message": "is odd"}]}}},
            RemoteRejected,
        ),
    ],
)
def test_hears_what_a_mutation_says_inside_a_200(
    remote: Remote, http: HttpClient, account: Account, body: Any, meaning: type[Exception]
) -> None:
    remote.will_answer(Scripted(200, body))

    with pytest.raises(meaning) as caught:
        Shop(http, account).mutate("mutation { thing }", {}, field="thing")

    assert type(caught.value) is meaning


def test_waits_until_the_bucket_holds_what_was_asked(
    remote: Remote, http: HttpClient, account: Account
) -> None:
    remote.will_answer(Scripted(200, error("THROTTLED") | COST))

    with pytest.raises(RemoteThrottled) as caught:
        Shop(http, account).query("{ shop { name } }")

    assert caught.value.after == 2.0


def test_a_refusal_names_field_message_and_code_without_global_ids(
    remote: Remote, http: HttpClient, account: Account
) -> None:
    said = "gid://shopify/InventoryItem/42 is stale"
    errors = [{"field": ["input", "quantities"], "message": said, "code": "STALE"}]
    remote.will_answer(Scripted(200, {"data": {"thing": {"userErrors": errors}}}))

    with pytest.raises(RemoteRejected) as caught:
        Shop(http, account).mutate("mutation { thing }", {}, field="thing")

    assert str(caught.value) == "Shopify refused: input.quantities: InventoryItem 42 is stale"
    assert caught.value.context["codes"] == ["STALE"]


def test_probes_name_currency_and_scopes(
    remote: Remote, http: HttpClient, account: Account
) -> None:
    shop = {"name": "Demo", "myshopifyDomain": "demo.example", "currencyCode": "EUR"}
    scopes = {"accessScopes": [{"handle": "read_orders"}, {"handle": "write_inventory"}]}
    remote.will_answer(
        Scripted(200, {"data": {"shop": shop}}),
        Scripted(200, {"data": {"currentAppInstallation": scopes}}),
    )

    assert Shopify().probe(http, account) == [
        ("Shop", "Demo (demo.example)"),
        ("Currency", "EUR"),
        ("Scopes", "missing: write_merchant_managed_fulfillment_orders"),
    ]
