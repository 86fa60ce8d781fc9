"""The door: nothing kept without a true signature, or that is too large to read."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import Connection, Credential, InboundKey, InboundMessage
from connectors.services.credentials import store_credential
from connectors.webhooks import HookApp
from tests.connectors.door import Knock, answers, custom, knock, order_payload, shopify

pytestmark = pytest.mark.django_db(transaction=True)


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
