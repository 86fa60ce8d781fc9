"""A custom shop hears its stock as signed JSON, and its answer means one thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.registry import sink_at
from connectors.systems.addresses import AddressGuard
from connectors.systems.base import Account, IntentKind, SignatureInvalid
from connectors.systems.custom import Custom
from connectors.systems.http import (
    AnswerLost,
    CredentialsRejected,
    HttpClient,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
)
from connectors.systems.signatures import verify_standard_webhook
from connectors.systems.stock import Look, StockSink
from tests.connectors.systems.conftest import Codes, MakeIntent
from tests.connectors.systems.custom.shop import CustomShop, serving
from tests.connectors.systems.remote import Remote, Scripted

SECRET = "whsec_a25vd24tYW5zd2VyLXNlY3JldC0wMDE="
KIND = IntentKind.PUBLISH_STOCK
KEY = "stock.publish:webshop:9:2"


@pytest.fixture
def account() -> Account:
    return Account(slug="webshop", base_url="", secrets={"webhook_secret": SECRET})


def entry(publication: int, sku: str, quantity: int, location: str = "") -> dict[str, Any]:
    told = {"publication": publication, "sku": sku, "location": location, "quantity": quantity}
    return {**told, "change_from": None}


def payload(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"reference": "webshop:9:2", "entries": list(entries)}


TWO = payload(entry(8, "MUG", 7), entry(9, "PLATE", 0))
BY_NODE = payload(entry(8, "MUG", 4, "BERLIN"), entry(8, "MUG", 3, "HAMBURG"))


@pytest.fixture
def shop() -> Iterator[CustomShop]:
    with serving(CustomShop(SECRET)) as running:
        yield running


@pytest.fixture
def line(shop: CustomShop) -> Iterator[HttpClient]:
    host = shop.url.removeprefix("http://").removesuffix("/shop")
    client = HttpClient(shop.url, timeout=2.0, guard=AddressGuard(frozenset({host})))
    yield client
    client.close()


def test_sells_only_where_it_has_an_address() -> None:
    assert sink_at("custom", "") is None
    assert isinstance(sink_at("custom", "https://shop.example"), StockSink)
    assert sink_at("shopify", "") is not None  # it is called wherever it is: no address is an error


def test_the_shop_hears_signed_numbers_under_the_key_of_the_effect(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(Scripted(204))

    receipt = Custom().send(http, account, intent(KIND, TWO))

    (asked,) = remote.asked
    entries = [{"sku": "MUG", "quantity": 7}, {"sku": "PLATE", "quantity": 0}]
    assert (asked.method, asked.path, asked.query) == ("PUT", "/stock", {})
    assert asked.json == {"reference": "webshop:9:2", "entries": entries}
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["webhook-id"] == KEY
    assert "authorization" not in asked.headers
    verify_standard_webhook(asked.headers, asked.body, [SECRET], datetime.now(UTC))
    with pytest.raises(SignatureInvalid):
        verify_standard_webhook(asked.headers, asked.body + b" ", [SECRET], datetime.now(UTC))
    assert (list(receipt.refused), receipt.request) == ([], asked.json)


def test_a_token_goes_with_every_call_where_there_is_one(
    shop: CustomShop, line: HttpClient, account: Account, intent: MakeIntent
) -> None:
    shop.token = "a-token"
    with pytest.raises(CredentialsRejected):
        Custom().probe(line, account)

    signed_in = replace(account, secrets={**account.secrets, "api_token": "a-token"})

    assert Custom().probe(line, signed_in) == [("Stock", "readable")]
    Custom().send(line, signed_in, intent(KIND, TWO))
    assert shop.shows["MUG"]["quantity"] == 7


@pytest.mark.parametrize("secret", ["", "whsec_YW5vdGhlcg=="])
def test_a_secret_that_is_missing_or_wrong_is_told_by_the_test_already(
    shop: CustomShop, line: HttpClient, account: Account, secret: str
) -> None:
    with pytest.raises(CredentialsRejected):
        Custom().probe(line, replace(account, secrets={"webhook_secret": secret}))


def test_node_by_node_in_the_codes_of_the_shop(
    shop: CustomShop, line: HttpClient, account: Account, intent: MakeIntent
) -> None:
    codes = {("SKU", "MUG"): "TASSE", ("LOCATION", "BERLIN"): "B1"}

    Custom().send(line, account, intent(KIND, BY_NODE, codes))

    told = {"sku": "TASSE", "quantity": 7, "locations": {"B1": 4, "HAMBURG": 3}}
    assert shop.applied == [{"reference": "webshop:9:2", "entries": [told]}]
    look = Look(skus=["MUG", "PLATE"], places=["BERLIN", "HAMBURG"], codes=Codes(codes))
    assert Custom().observe(line, account, look) == {"MUG": {"BERLIN": 4, "HAMBURG": 3}}
    # Of a shop that keeps only the sum, nothing can be said about nodes.
    del shop.shows["TASSE"]["locations"]
    assert Custom().observe(line, account, look) == {}
    assert Custom().observe(line, account, replace(look, places=[])) == {"MUG": {"": 7}}


def test_what_the_shop_refuses_is_named_and_the_rest_is_taken(
    shop: CustomShop, line: HttpClient, account: Account, intent: MakeIntent
) -> None:
    shop.unsold = {"PLATE": "not sold here"}

    receipt = Custom().send(line, account, intent(KIND, TWO))

    (refusal,) = receipt.refused
    assert (refusal.publication_id, refusal.code) == (9, "connectors.rejected")
    assert refusal.detail == "The shop refused PLATE: not sold here"
    assert set(shop.shows) == {"MUG"}


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (Scripted(429, None, {"Retry-After": "3"}), RemoteThrottled),
        (Scripted(401), CredentialsRejected),
        (Scripted(503), AnswerLost),
        (Scripted(drops=True), AnswerLost),
        (Scripted(200, b"<html>"), AnswerLost),
        (Scripted(422, {"error": "no"}), RemoteRejected),
        (Scripted(200, ["MUG"]), RemoteRejected),
        (Scripted(200, {"refused": "MUG"}), RemoteRejected),
        (Scripted(200, {"refused": [{"reason": "x"}]}), RemoteRejected),
        (Scripted(200, {"refused": [{"sku": "mug", "reason": "x"}]}), RemoteRejected),
    ],
)
def test_an_answer_means_one_thing(
    remote: Remote,
    http: HttpClient,
    account: Account,
    intent: MakeIntent,
    answer: Scripted,
    meaning: type[Exception],
) -> None:
    remote.will_answer(answer)

    with pytest.raises(meaning) as caught:
        Custom().send(http, account, intent(KIND, TWO))

    assert type(caught.value) is meaning
    assert len(remote.asked) == 1


@pytest.mark.parametrize("told", [TWO, BY_NODE], ids=["in all", "node by node"])
def test_after_a_lost_answer_a_look_says_whether_it_was_taken(
    shop: CustomShop, line: HttpClient, account: Account, intent: MakeIntent, told: dict[str, Any]
) -> None:
    asked = intent(KIND, told)
    shop.will(500)
    shop.will(500, after=True)

    with pytest.raises(AnswerLost):
        Custom().send(line, account, asked)
    assert Custom().look_up(line, account, asked) is None
    with pytest.raises(AnswerLost):
        Custom().send(line, account, asked)
    assert Custom().look_up(line, account, asked) is not None

    Custom().send(line, account, asked)  # and to ask again with the same key applies nothing twice
    assert len(shop.applied) == 1
    shop.shows["MUG"]["quantity"] += 1
    assert Custom().look_up(line, account, asked) is None


def test_a_long_list_is_rather_sent_again_than_looked_for(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    long = payload(*(entry(n, f"S{n}", n) for n in range(Custom.observed_at_once + 1)))

    assert Custom().look_up(http, account, intent(KIND, long)) is None
    assert remote.asked == []


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"entries": {}},
        {"entries": [7]},
        {"entries": [{"sku": "MUG"}]},
        {"entries": [{"sku": "MUG", "quantity": True}]},
        {"entries": [{"sku": "MUG", "quantity": 1.5}]},
        {"entries": [{"sku": "MUG", "quantity": 1, "locations": [1]}]},
        {"entries": [{"sku": "MUG", "quantity": 1, "locations": {"B": "1"}}]},
    ],
)
def test_a_list_that_can_not_be_read_is_no_list(
    remote: Remote, http: HttpClient, account: Account, body: Any
) -> None:
    remote.will_answer(Scripted(200, body))

    with pytest.raises(RemoteUnavailable):
        Custom().observe(http, account, Look(skus=["MUG"], places=[], codes=Codes()))


def test_what_the_shop_was_not_asked_for_is_not_seen(
    remote: Remote, http: HttpClient, account: Account
) -> None:
    shown = [{"sku": "MUG", "quantity": 7}, {"sku": "OTHER", "quantity": 1}]
    remote.will_answer(Scripted(200, {"entries": shown}))

    seen = Custom().observe(http, account, Look(skus=["MUG"], places=[], codes=Codes()))

    assert seen == {"MUG": {"": 7}}
    assert (remote.asked[0].path, remote.asked[0].query) == ("/stock", {"sku": "MUG"})
