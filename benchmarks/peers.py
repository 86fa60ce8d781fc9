"""The other ways to take a webhook in, each served by uvicorn as ours is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import uuid
from typing import Any

from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailhub.settings")
os.environ.setdefault("DATABASE_POOL", "1")


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Reads the request and answers: what the server alone can do."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"6")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"stored"})


def take_webhook(request: HttpRequest, slug: str) -> HttpResponse:
    """The same promise as our door's, kept the way the tutorials do."""
    from django.db import transaction

    from connectors.models import Connection, InboundKey, InboundMessage

    connection = Connection.objects.get(slug=slug, is_active=True)
    body, secret = request.body, os.environ["BENCHMARK_SECRET"].encode()
    signature = base64.b64encode(hmac.digest(secret, body, hashlib.sha256)).decode()
    if not hmac.compare_digest(signature, request.headers["X-Shopify-Hmac-Sha256"]):
        return HttpResponse("The signature does not match.", status=401)
    topic, key = request.headers["X-Shopify-Topic"], request.headers["X-Shopify-Event-Id"]
    sha256 = hashlib.sha256(body).digest()
    with transaction.atomic():
        heard, is_new = InboundKey.objects.get_or_create(
            connection=connection, topic=topic, key=key, defaults={"body_sha256": sha256}
        )
        if not is_new:
            return HttpResponse("duplicate")
        message = InboundMessage.objects.create(
            connection=connection,
            topic=topic,
            key=key,
            lane=f"{connection.pk}:order:{json.loads(body)['id']}",
            body=body,
            body_sha256=sha256,
            headers={"x-shopify-topic": topic},
            trace_id=uuid.uuid4(),
        )
        heard.message_id = message.pk
        heard.save(update_fields=["message_id"])
    # Said here because the middleware that would say it is left out.
    return HttpResponse("stored", headers={"Content-Length": "6"})


urlpatterns = [path("hooks/<slug:slug>/", take_webhook)]


def django_view() -> Any:
    """A factory for uvicorn: Django with this view alone, without any middleware."""
    from django.conf import settings

    settings.MIDDLEWARE = []
    settings.ROOT_URLCONF = "benchmarks.peers"
    return get_asgi_application()
