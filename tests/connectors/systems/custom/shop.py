"""A custom shop as its makers might write it: a small ASGI application on loopback.

It believes only what is signed, applies each message once, and can be made to misbehave.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from connectors.systems.base import SignatureInvalid
from connectors.systems.signatures import verify_standard_webhook
from tests.serving import on_a_port

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class CustomShop:
    """`shows` is its stock by SKU. `will` scripts statuses; with `after` it applies first."""

    def __init__(self, secret: str, token: str = "") -> None:
        self.secret, self.token = secret, token
        self.shows: dict[str, dict[str, Any]] = {}
        self.unsold: dict[str, str] = {}  # sku -> why it is refused
        self.heard: list[tuple[str, str]] = []  # method and webhook-id of each call
        self.applied: list[dict[str, Any]] = []
        self.url = ""
        self._once: dict[str, dict[str, Any]] = {}
        self._script: deque[tuple[int, bool]] = deque()

    def will(self, status: int, *, after: bool = False) -> None:
        self._script.append((status, after))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        status, answer = self._answer(scope, body)
        headers = [(b"content-type", b"application/json"), (b"retry-after", b"3")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        content = b"" if answer is None else json.dumps(answer).encode()
        await send({"type": "http.response.body", "body": content})

    def _answer(self, scope: Scope, body: bytes) -> tuple[int, Any]:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.heard.append((scope["method"], headers.get("webhook-id", "")))
        try:
            verify_standard_webhook(headers, body, [self.secret], datetime.now(UTC))
        except SignatureInvalid as error:
            return 401, {"error": str(error)}
        if self.token and headers.get("authorization") != f"Bearer {self.token}":
            return 401, {"error": "no token"}
        if scope["path"] != "/shop/stock":
            return 404, {"error": "nothing here"}
        if scope["method"] == "GET":
            asked = parse_qs(scope["query_string"].decode()).get("sku", [])
            return 200, {"entries": [self.shows[sku] for sku in asked if sku in self.shows]}
        status, after = self._script.popleft() if self._script else (200, True)
        answer = self._apply(headers["webhook-id"], json.loads(body)) if after else None
        return (200, answer) if status == 200 else (status, {"error": "scripted"})

    def _apply(self, key: str, told: dict[str, Any]) -> dict[str, Any]:
        if key not in self._once:
            self.applied.append(told)
            taken = [entry for entry in told["entries"] if entry["sku"] not in self.unsold]
            self.shows |= {entry["sku"]: entry for entry in taken}
            named = [entry["sku"] for entry in told["entries"] if entry["sku"] in self.unsold]
            self._once[key] = {"refused": [{"sku": s, "reason": self.unsold[s]} for s in named]}
        return self._once[key]


@contextmanager
def serving(shop: CustomShop) -> Iterator[CustomShop]:
    """The shop on a port of its own, until the block ends."""
    with on_a_port(shop) as origin:
        shop.url = f"{origin}/shop"
        yield shop
