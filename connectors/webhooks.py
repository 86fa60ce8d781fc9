"""Where systems knock: `POST /hooks/<connection>/`.

A small ASGI application beside Django: size cap → raw bytes → signature → durable row → 2xx. No
middleware, no ORM on the way. Never 2xx before the commit; 503 while the database is away.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils import timezone

from connectors.door.batcher import Batcher, StoreUnavailable
from connectors.door.directory import Directory, Knocker
from connectors.services.receive import Delivery
from connectors.systems.base import SignatureInvalid
from connectors.tasks import drain_inbox

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/hooks/"
# Kept with a message: what tells deliveries apart. Never a signature, cookie or authorization.
_KEPT = (
    "webhook-id",
    "event-id",
    "topic",
    "triggered-at",
    "shop-domain",
    "api-version",
    "test",
    "content-type",
    "user-agent",
    "x-trace-id",
)
_RETRY_AFTER = (b"retry-after", b"5")
_encode = json.JSONEncoder().encode


class TooLarge(Exception):
    """The body is over the cap."""


class HookApp:
    """The door. One instance per process."""

    def __init__(self) -> None:
        self._max_bytes: int = settings.HOOK_MAX_BYTES
        self._directory = Directory()
        self._batcher = Batcher(ring=drain_inbox)

    async def close(self) -> None:
        """Finish what is being stored and let go of the database."""
        await self._batcher.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await _answer(send, 405, "Send a POST.")
            return
        slug = scope["path"][len(PREFIX) :].strip("/")
        try:
            status, text = await self._take(slug, scope["headers"], receive)
        except TooLarge:
            status, text = 413, f"The body is larger than {self._max_bytes} bytes."
        except StoreUnavailable:
            status, text = 503, "Not stored. Send it again."
        await _answer(send, status, text, [_RETRY_AFTER] if status == 503 else [])

    async def _take(
        self, slug: str, raw_headers: Iterable[tuple[bytes, bytes]], receive: Receive
    ) -> tuple[int, str]:
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in raw_headers}
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._max_bytes:  # counted again while it is read
            raise TooLarge
        body = await self._read(receive)
        knocker = await self._directory.find(slug)
        if knocker is None:
            return 404, "No such connection."
        knocker = await self._verify(slug, knocker, headers, body)
        if knocker is None:
            return 401, "The signature does not match."
        envelope = knocker.source.open(headers, body)
        delivery = Delivery(
            connection_id=knocker.connection_id,
            envelope=envelope,
            body=body,
            headers=_encode({k: v[:300] for k, v in headers.items() if _is_kept(k)}),
        )
        stored = await self._batcher.store(delivery)
        return 200, stored.outcome.value.lower()

    async def _verify(
        self, slug: str, knocker: Knocker, headers: dict[str, str], body: bytes
    ) -> Knocker | None:
        """The knocker if it signed `body`. Before saying no, a newer secret is looked for."""
        if _signed(slug, knocker, headers, body):
            return knocker
        renewed = await self._directory.refreshed(slug, knocker)
        if renewed is not None and _signed(slug, renewed, headers, body):
            return renewed
        return None

    async def _read(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise StoreUnavailable("the sender hung up")
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._max_bytes:
                raise TooLarge
            chunks.append(chunk)
            if not message.get("more_body"):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _signed(slug: str, knocker: Knocker, headers: dict[str, str], body: bytes) -> bool:
    try:
        knocker.source.verify(headers, body, knocker.secrets, timezone.now())
    except SignatureInvalid as error:
        log.info("signature refused at %s: %s", slug, error)
        return False
    return True


@lru_cache(maxsize=1000)
def _is_kept(name: str) -> bool:
    return name.endswith(_KEPT)


async def _answer(
    send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = text.encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
                (b"x-content-type-options", b"nosniff"),
                (b"content-security-policy", b"default-src 'none'"),
                *(headers or []),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
