"""How is a custom shop told stock, and asked for it? One path below its address, JSON both ways.

    PUT /stock               {"reference": "…", "entries": [{"sku": "MUG", "quantity": 7,
                              "locations": {"BERLIN": 4, "HAMBURG": 3}}]}
                             2xx: all is taken; with {"refused": [{"sku", "reason"}]}: the rest is
    GET /stock?sku=A&sku=B   200 {"entries": [{"sku", "quantity", "locations"}]}: those it knows
    GET /stock               200 {"entries": […]}: it is up and knows us; an empty list will do

Quantities are whole and absolute: to hear them twice changes nothing. `locations` is there where
the channel is told node by node; the quantity is their sum. Every call is signed per Standard
Webhooks with the secret that signs the shop's own messages, a read over an empty body; a bearer
token goes with it if the connection has one. `webhook-id` names a publication for ever, however
often it is sent: a shop that knows it already answers 2xx again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from connectors.systems.base import Account, Json
from connectors.systems.http import (
    Answer,
    CredentialsRejected,
    HttpClient,
    RemoteRejected,
    RemoteUnavailable,
)
from connectors.systems.signatures import sign_standard_webhook

STOCK = "/stock"


@dataclass(frozen=True)
class Shown:
    """What the shop shows of one SKU, in its own codes."""

    sku: str
    quantity: int
    locations: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Shop:
    """One custom shop at its address."""

    http: HttpClient
    account: Account
    trace_id: str = ""

    def tell(self, key: str, body: Json) -> tuple[Json, dict[str, str]]:
        """Set quantities. Returns the answer, and the reason for each SKU that was refused."""
        answer = self._call("PUT", key, json.dumps(body).encode())
        return answer.body, _reasons(answer.body)

    def stock(self, skus: Sequence[str]) -> dict[str, Shown]:
        """What the shop shows of these SKUs, of those it knows."""
        listed = _entries(self._call("GET", _fresh_id(), params={"sku": skus}))
        return {row.sku: row for row in map(_shown, listed)}

    def probe(self) -> Sequence[tuple[str, str]]:
        """That it is up, takes our signature and lists stock."""
        _entries(self._call("GET", _fresh_id()))
        return [("Stock", "readable")]

    def _call(self, method: str, key: str, content: bytes | None = None, **options: Any) -> Answer:
        headers = self._signed(key, content or b"")
        if token := self.account.secrets.get("api_token"):
            headers["Authorization"] = f"Bearer {token}"
        return self.http.call(
            method, STOCK, is_write=method == "PUT", content=content,
            headers=headers, trace_id=self.trace_id, **options,
        )  # fmt: skip

    def _signed(self, key: str, content: bytes) -> dict[str, str]:
        secret = self.account.secrets.get("webhook_secret")
        if not secret:
            raise CredentialsRejected("The connection has no webhook secret to sign with.")
        return sign_standard_webhook(key, content, secret, at=int(time.time()))


def _fresh_id() -> str:
    return f"read_{uuid4().hex}"


def _reasons(body: Json) -> dict[str, str]:
    # What can't be read would be read no better the next time, so it is not asked again.
    if body is None:
        return {}
    refused = body.get("refused", []) if isinstance(body, dict) else None
    if not isinstance(refused, list):
        raise RemoteRejected("The shop's answer is neither empty nor a list of refused entries.")
    reasons: dict[str, str] = {}
    for row in refused:
        if not isinstance(row, dict) or not isinstance(row.get("sku"), str):
            raise RemoteRejected("The shop refused an entry without naming its SKU.")
        reasons[row["sku"]] = str(row.get("reason") or "no reason given")[:300]
    return reasons


def _entries(answer: Answer) -> list[Any]:
    entries = answer.body.get("entries") if isinstance(answer.body, dict) else None
    if not isinstance(entries, list):
        raise RemoteUnavailable("The shop's answer holds no list of entries.")
    return entries


def _shown(row: Any) -> Shown:
    told = row if isinstance(row, dict) else {}
    sku, quantity, locations = told.get("sku"), told.get("quantity"), told.get("locations") or {}
    numbers = [quantity, *(locations.values() if isinstance(locations, dict) else [None])]
    if not isinstance(sku, str) or any(type(number) is not int for number in numbers):
        raise RemoteUnavailable("An entry of the shop's stock lacks a SKU or a whole quantity.")
    return Shown(sku, numbers[0], locations)
