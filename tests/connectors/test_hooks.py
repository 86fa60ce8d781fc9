"""The door: 2xx only after the commit, nothing kept without a signature or lost with one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from connectors.door import batcher
from connectors.drains import drain_inbox
from connectors.models import Connection, Credential, InboundKey, InboundMessage
from connectors.services.credentials import store_credential
from connectors.webhooks import HookApp
from exceptions.models import ExceptionCase
from tests.connectors.door import (
    SHOP_SECRET,
    WEB_SECRET,
    Knock,
    custom,
    knock,
    order_payload,
    shopify,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _secrets(shop: Connection, webshop: Connection) -> None:
    for connection, secret in ((shop, SHOP_SECRET), (webshop, WEB_SECRET)):
        store_credential(
            connection_id=connection.pk, name="webhook_secret", secret=secret, now=timezone.now()
        )


def answers(*knocks: Knock) -> list[tuple[int, str]]:
    return [(answer.status_code, answer.text) for answer in knock(*knocks)]


def test_a_signed_delivery_is_on_record_before_the_answer(shop: Connection) -> None:
    assert answers(shopify(b'{"id": 1}')) == [(200, "stored")]

    row = InboundMessage.objects.get()
    assert (row.connection, row.topic, row.key, row.lane) == (
        shop,
        "orders/create",
        "e1:1",
        f"{shop.pk}:order:1",
    )
    assert bytes(row.body) == b'{"id": 1}'


def test_keeps_the_headers_that_tell_deliveries_apart_and_no_secret() -> None:
    knock(shopify(b'{"id": 1}'))

    kept = InboundMessage.objects.get().headers
    assert kept["x-shopify-event-id"] == "e1"
    assert kept["x-shopify-topic"] == "orders/create"
    assert not {"x-shopify-hmac-sha256", "cookie", "authorization"} & kept.keys()


def test_both_spellings_of_the_headers_are_read() -> None:
    spellings = ["X-Shopify", "Shopify", "x-shopify", "SHOPIFY"]

    said = answers(*[shopify(b'{"id": 1}', event=f"e-{name}", spelling=name) for name in spellings])

    assert said == [(200, "stored")] * 4
    assert set(InboundMessage.objects.values_list("topic", flat=True)) == {"orders/create"}


def refused() -> list[Knock]:
    good = shopify(b'{"id": 1}')
    web = custom(order_payload())
    return [
        shopify(b'{"id": 1}', secret="wrong"),
        Knock(good.slug, good.body + b" ", good.headers),
        Knock(good.slug, good.body, {}),
        Knock(good.slug, good.body, {**good.headers, "X-Shopify-Hmac-Sha256": ""}),
        Knock(good.slug, good.body, {**good.headers, "X-Shopify-Hmac-Sha256": "?="}),
        custom(order_payload(), age=301),
        custom(order_payload(), age=-400),
        Knock(web.slug, web.body, {**web.headers, "webhook-id": "another"}),
        Knock(web.slug, web.body, {**web.headers, "webhook-timestamp": "now"}),
        Knock("webshop", good.body, good.headers),
    ]


def test_without_a_true_signature_nothing_is_stored() -> None:
    said = answers(*refused())

    assert said == [(401, "The signature does not match.")] * len(refused())
    assert not InboundMessage.objects.exists()
    assert not InboundKey.objects.exists()


def test_an_address_nobody_has_is_not_found(shop: Connection) -> None:
    Connection.objects.filter(pk=shop.pk).update(is_active=False)

    said = answers(
        Knock("nobody", b"{}"), shopify(b"{}"), Knock("", b"{}"), Knock("a/b", b"{}"),
        Knock("netsuite", b"{}"),
    )  # fmt: skip

    assert said == [(404, "No such connection.")] * 5


def test_only_a_post_is_taken() -> None:
    methods = ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]

    said = knock(*[Knock("shopify-de", b"", method=method) for method in methods])

    assert [answer.status_code for answer in said] == [405] * 6


def test_a_body_over_the_cap_is_refused_unread(settings: Any) -> None:
    settings.HOOK_MAX_BYTES = 100
    fits, too_large = b'"' + b"x" * 98 + b'"', b'"' + b"x" * 99 + b'"'

    said = answers(shopify(fits), shopify(too_large, event="e2"))

    assert said == [(200, "stored"), (413, "The body is larger than 100 bytes.")]
    assert InboundMessage.objects.count() == 1


def test_a_body_that_grows_beyond_the_cap_is_refused_while_it_comes(settings: Any) -> None:
    settings.HOOK_MAX_BYTES = 100
    sent: list[dict[str, Any]] = []
    pulled = 0

    async def receive() -> dict[str, Any]:
        nonlocal pulled
        pulled += 1
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/hooks/shopify-de/", "headers": []}
    asyncio.run(HookApp()(scope, receive, send))

    assert sent[0]["status"] == 413
    assert pulled == 2


def test_a_nonsense_length_harms_nobody() -> None:
    good = shopify(b'{"id": 1}')
    said: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": good.body}

    async def send(message: Any) -> None:
        said.append(message.get("status", 0))

    headers = [(k.lower().encode(), v.encode()) for k, v in good.headers.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/hooks/shopify-de/",
        "headers": [*headers, (b"content-length", b"many")],
    }

    async def run() -> None:
        door = HookApp()
        await door(scope, receive, send)
        await door.close()

    asyncio.run(run())
    assert said[0] in {200, 400, 413}


def test_twenty_that_say_the_same_at_once_are_one_message() -> None:
    said = answers(*[shopify(b'{"id": 1}')] * 20)

    assert sorted(said) == [(200, "duplicate")] * 19 + [(200, "stored")]
    assert InboundMessage.objects.count() == 1
    assert InboundKey.objects.get().hits == 20


def test_the_same_id_with_another_body_is_taken_and_told() -> None:
    said = answers(shopify(b'{"id": 1}')) + answers(shopify(b'{"id": 1, "note": 2}'))

    assert said == [(200, "stored"), (200, "conflict")]
    drain_inbox()
    case = ExceptionCase.objects.get(code="connectors.key_conflict")
    assert case.title == "Shopify DE sent two different messages under one id"


BROKEN = {
    "not JSON": (b"<xml/>", "The body is not JSON: Expecting value at line 1, column 1."),
    "cut in half": (b'{"id": 1, "li', "The body is not JSON: Unterminated string starting at"),
    "empty": (b"", "The body is not JSON: Expecting value at line 1, column 1."),
    "NaN": (b'{"id": 1, "total": NaN}', "The body holds NaN, which is not a number in JSON."),
    "twice the same field": (b'{"id": 1, "id": 2}', "The field 'id' is there twice"),
    "a lone surrogate": (b'{"id": 1, "note": "\\ud800"}', "The text at note holds a broken"),
    "too deep": (b"[" * 100_000, "The body nests deeper than 64 levels."),
    "UTF-16": ('{"id": 1}'.encode("utf-16"), "The body is not UTF-8 text"),
    "a list": (b"[]", "The order is not an object but a list."),
    "a field is missing": (b'{"id": 1}', "The order lacks"),
}  # fmt: skip


def test_broken_bodies_are_kept_answered_well_and_shown_to_a_person() -> None:
    knocks = [custom(body, key=name) for name, (body, _) in BROKEN.items()]

    assert answers(*knocks) == [(200, "stored")] * len(BROKEN)
    drain_inbox()

    rows = {row.key: row for row in InboundMessage.objects.all()}
    assert {(row.state, row.error_code) for row in rows.values()} == {
        ("DEAD", "connectors.invalid_body")
    }
    details = dict(ExceptionCase.objects.values_list("inbound__key", "detail"))
    for name, (body, said) in BROKEN.items():
        assert bytes(rows[name].body) == body
        assert details[name].startswith(said), details[name]


def test_the_first_sentence_names_the_field() -> None:
    wrong = order_payload(total="ten")
    assert answers(custom(wrong)) == [(200, "stored")]

    drain_inbox()

    assert "total" in ExceptionCase.objects.get().detail.split(".", maxsplit=1)[0]


def test_an_unknown_topic_is_ignored_and_says_so() -> None:
    answers(shopify(b'{"id": 7}', topic="moons/full"))

    drain_inbox()

    row = InboundMessage.objects.get()
    assert (row.state, row.error_detail) == ("IGNORED", "unknown topic moons/full")
    assert not ExceptionCase.objects.exists()


def test_a_rotated_secret_signs_as_soon_as_it_is_saved(shop: Connection) -> None:
    def rotate() -> None:
        if Credential.objects.filter(connection=shop).count() == 1:
            store_credential(
                connection_id=shop.pk,
                name="webhook_secret",
                secret="the new one",
                now=timezone.now() - timedelta(seconds=1),
            )
            import time  # noqa: PLC0415

            time.sleep(0.6)  # the door looks again at most twice a second

    said = knock(
        shopify(b'{"id": 1}', event="e1"),
        shopify(b'{"id": 1}', event="e2", secret="the new one"),
        shopify(b'{"id": 1}', event="e3"),
        between=rotate,
    )

    assert [answer.text for answer in said] == ["stored"] * 3


def test_a_retired_secret_signs_no_more(shop: Connection) -> None:
    Credential.objects.filter(connection=shop).update(
        retires_at=timezone.now() - timedelta(seconds=1)
    )

    assert answers(shopify(b'{"id": 1}')) == [(401, "The signature does not match.")]


@pytest.fixture
def database_is_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The door's own connections lead to a socket where nobody answers."""
    database = dict(django_settings.DATABASES["default"])
    away = {"default": {**database, "HOST": "127.0.0.1", "PORT": "1"}}
    with monkeypatch.context() as patch:
        patch.setattr(batcher, "settings", _Away(away))
        yield


class _Away:
    def __init__(self, databases: dict[str, Any]) -> None:
        self.DATABASES = databases


@pytest.mark.usefixtures("database_is_away")
def test_while_the_database_is_away_senders_are_asked_to_come_again() -> None:
    said = knock(*[shopify(b'{"id": 1}', event=f"e{n}") for n in range(5)])

    assert [answer.status_code for answer in said] == [503] * 5
    assert {answer.headers["retry-after"] for answer in said} == {"5"}
    assert not InboundMessage.objects.exists()


def test_after_the_database_came_back_the_same_delivery_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true = django_settings
    away = {"default": {**true.DATABASES["default"], "HOST": "127.0.0.1", "PORT": "1"}}
    monkeypatch.setattr(batcher, "settings", _Away(away))

    def come_back() -> None:
        monkeypatch.setattr(batcher, "settings", true)

    said = knock(shopify(b'{"id": 1}'), shopify(b'{"id": 1}'), between=come_back)

    assert [(answer.status_code, answer.text) for answer in said] == [
        (503, "Not stored. Send it again."),
        (200, "stored"),
    ]


def test_a_batch_of_many_orders_keeps_every_one() -> None:
    said = answers(
        *[custom(order_payload(f"A-{n}"), key=f"m{n}") for n in range(100)],
    )

    assert said == [(200, "stored")] * 100
    stored = InboundMessage.objects.order_by("pk")
    assert {json.loads(bytes(row.body))["id"] for row in stored} == {f"A-{n}" for n in range(100)}
