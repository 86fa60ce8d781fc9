import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from connectors.models import Connection, InboundKey, InboundMessage
from connectors.services.process import process_batch
from inventory.models import Item
from orders.models import Order
from retailhub.api import intake
from tests.api.conftest import Caller, body_of, make_key


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Each doorbell, and whether a transaction was open when it rang."""
    heard: list[bool] = []
    monkeypatch.setattr(
        "retailhub.kernel.work.ring", lambda *_: heard.append(connection.in_atomic_block)
    )
    return heard


def test_keeps_every_byte_and_says_where_to_ask(caller: Caller, shop: Connection) -> None:
    raw = json.dumps(body_of(), indent=3)

    answer = caller.place(raw, "k-1")

    message = InboundMessage.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {
        "message_id": message.pk,
        "status_url": f"http://testserver/api/v1/messages/{message.pk}",
        "trace_id": str(message.trace_id),
    }
    assert answer["Location"] == answer.json()["status_url"]
    assert bytes(message.body) == raw.encode()
    assert (message.connection, message.topic, message.key) == (shop, "order.placed", "k-1")
    assert message.lane == f"{shop.pk}:order:A-1"


def test_gives_the_same_answer_to_the_same_body(caller: Caller) -> None:
    first, second = caller.place(body_of(), "k-1"), caller.place(body_of(), "k-1")

    assert (second.status_code, second.json()) == (202, first.json())
    assert InboundMessage.objects.count() == 1
    assert InboundKey.objects.get().hits == 2


def test_refuses_another_body_under_a_used_key_and_keeps_nothing_of_it(caller: Caller) -> None:
    caller.place(body_of(), "k-1")

    answer = caller.place(body_of("A-2"), "k-1")

    assert answer.status_code == 409
    assert answer.json()["code"] == "api.idempotency_key_reused"
    assert InboundMessage.objects.count() == 1
    assert InboundKey.objects.get().hits == 1


def test_keys_of_two_shops_do_not_meet(caller: Caller, stranger: Caller) -> None:
    assert caller.place(body_of(), "k-1").status_code == 202
    assert stranger.place(body_of("B-1"), "k-1").status_code == 202
    assert InboundMessage.objects.count() == 2


@pytest.mark.parametrize("key", [None, "", "k" * 201, "tab\there", "ünïcode"])
def test_wants_a_key_that_can_be_kept(caller: Caller, key: str | None) -> None:
    answer = caller.place(body_of(), key)

    assert answer.status_code == 400
    assert answer.json()["field"] == "Idempotency-Key"
    assert not InboundMessage.objects.exists()


def test_takes_a_key_of_two_hundred_characters(caller: Caller) -> None:
    assert caller.place(body_of(), "k" * 200).status_code == 202
    assert InboundKey.objects.get().key == "k" * 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (body_of(currency="euro"), "currency"),
        (body_of(total="64.71"), "total"),
        (body_of(lines=[{"id": "1", "sku": "MUG", "unit_price": "1"}]), "lines[0].quantity"),
        (body_of(colour="blue"), "colour"),
        ({"type": "order.cancelled", "data": body_of()}, "data"),
        ([], ""),
        (b"{", ""),
        (b'{"id": 1, "id": 2}', ""),
        (b'{"id": NaN}', ""),
        (b"\xff", ""),
    ],
)
def test_names_what_is_wrong_with_a_body_and_keeps_nothing(
    caller: Caller, body: Any, field: str
) -> None:
    answer = caller.place(body, "k-1")

    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "connectors.invalid_body"
    assert answer.json().get("field", "") == field
    assert not InboundKey.objects.exists()


def test_a_key_is_not_used_up_by_a_body_that_was_refused(caller: Caller) -> None:
    caller.place(body_of(total="1"), "k-1")

    assert caller.place(body_of(), "k-1").status_code == 202


def test_refuses_more_bytes_than_it_takes(caller: Caller, settings: Any) -> None:
    settings.HOOK_MAX_BYTES = 1000

    answer = caller.place(body_of(note="x" * 1000), "k-1")

    assert (answer.status_code, answer.json()["code"]) == (413, "api.too_large")
    assert not InboundKey.objects.exists()


def test_refuses_what_is_not_json(caller: Caller) -> None:
    answer = caller.client.post(
        "/api/v1/orders",
        "a=1",
        content_type="application/x-www-form-urlencoded",
        headers={**caller.headers, "Idempotency-Key": "k"},
    )
    squeezed = caller.place(body_of(), "k", **{"Content-Encoding": "gzip"})

    assert (answer.status_code, squeezed.status_code) == (415, 415)


def test_a_shop_that_sends_its_own_orders_places_none_here(
    client: Client, shop: Connection
) -> None:
    caller = Caller(client, make_key(shop).plain)
    Connection.objects.filter(pk=shop.pk).update(system="shopify")

    answer = caller.place(body_of(), "k-1")

    assert (answer.status_code, answer.json()["code"]) == (409, "connectors.connection_unusable")
    assert not InboundKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_rings_once_the_order_is_committed(caller: Caller, rings: list[bool]) -> None:
    caller.place(body_of(), "k-1")

    assert rings == [False]


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_under_one_key_are_one_order(caller: Caller) -> None:
    def place(n: int) -> tuple[int, str]:
        try:
            # Half say one thing, half another: one of the two wins, for everybody.
            answer = caller.place(body_of(f"A-{n % 2}"), "k-1")
            return answer.status_code, answer.content.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(place, range(20)))

    assert sorted(status for status, _ in answers) == [202] * 10 + [409] * 10
    assert len({text for status, text in answers if status == 202}) == 1
    assert InboundMessage.objects.count() == 1


def test_says_not_stored_while_the_database_is_away(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(intake, "receive_messages", away)

    answer = caller.place(body_of(), "k-1")

    assert (answer.status_code, answer.json()["code"]) == (503, "api.unavailable")
    assert answer["Retry-After"] == "5"
    assert "the server closed" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)  # what is due is due since a commit
def test_leads_to_the_order(caller: Caller, shop: Connection) -> None:
    Item.objects.create(sku="MUG")
    status_url = caller.place(body_of("A/1"), "k-1").json()["status_url"]
    before = caller.client.get(status_url, headers=caller.headers).json()

    process_batch(limit=10, now=timezone.now())

    after = caller.client.get(status_url, headers=caller.headers).json()
    order = caller.client.get(after["order"]["url"], headers=caller.headers).json()
    assert (before["state"], before["is_final"], before["order"]) == ("RECEIVED", False, None)
    assert (after["state"], after["is_final"], after["error"]) == ("PROCESSED", True, None)
    assert (order["external_id"], order["total"]) == (
        "A/1",
        {"amount": "64.70", "currency": "EUR"},
    )
    assert order["trace_id"] == after["trace_id"]


@pytest.mark.django_db(transaction=True)  # what is due is due since a commit
def test_says_what_an_order_waits_for(caller: Caller) -> None:
    status_url = caller.place(body_of(), "k-1").json()["status_url"]

    process_batch(limit=10, now=timezone.now())

    message = caller.client.get(status_url, headers=caller.headers).json()
    assert (message["state"], message["is_final"]) == ("PARKED", False)
    assert message["error"]["code"] == "connectors.mapping_missing"
    assert "MUG" in message["error"]["detail"]
    assert not Order.objects.exists()


def test_costs_the_same_however_large_the_order(
    caller: Caller, django_assert_num_queries: Callable[..., Any]
) -> None:
    caller.place(body_of(), "warm")  # notes the key's use, once a minute
    lines = [{"id": str(n), "sku": "MUG", "quantity": 1, "unit_price": "1"} for n in range(200)]
    large = body_of("A-9", lines=lines, total="204.90")

    # savepoint, key, one statement for key and message, release
    with django_assert_num_queries(4):
        assert caller.place(large, "k-9").status_code == 202
