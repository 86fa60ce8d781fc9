"""How is the warehouse asked? Plain REST with a bearer key; refusals name a code and a field."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote

from connectors.systems.base import Account, Envelope, PolledMessage, PollPage
from connectors.systems.fields import parse_moment
from connectors.systems.http import (
    Answer,
    AnswerLost,
    HttpClient,
    RemoteRejected,
    RemoteUnavailable,
)
from connectors.systems.warehouse.mapping import POLLED_TOPIC, lane_of

ORDERS = "/v1/outbound-orders"
PAGE_SIZE = "100"


@dataclass(frozen=True)
class WarehouseApi:
    """One account at the warehouse."""

    http: HttpClient
    account: Account
    trace_id: str = ""

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A new outbound order. Asking twice ships twice."""
        return _record(self._call("POST", ORDERS, json_body=body), is_write=True)

    def cancel(self, external_id: str, reason: str) -> dict[str, Any]:
        """Stop an outbound order that nobody has begun to pick."""
        path = f"{ORDERS}/{quote(external_id, safe='')}/cancel"
        return _record(self._call("POST", path, json_body={"reason": reason}), is_write=True)

    def orders_called(self, reference: str) -> list[dict[str, Any]]:
        """All outbound orders with exactly our reference."""
        answer = self._call("GET", ORDERS, is_write=False, params={"reference": reference})
        return [order for order in _listed(answer) if order.get("reference") == reference]

    def get(self, external_id: str) -> dict[str, Any]:
        """One outbound order."""
        path = f"{ORDERS}/{quote(external_id, safe='')}"
        return _record(self._call("GET", path, is_write=False), is_write=False)

    def changed_since(self, since: datetime, cursor: str) -> PollPage:
        """One page of outbound orders that changed since."""
        params = {"updated_since": since.astimezone(UTC).isoformat(), "limit": PAGE_SIZE}
        if cursor:
            params["cursor"] = cursor
        answer = self._call("GET", ORDERS, is_write=False, params=params)
        following = str(answer.body.get("next_cursor") or "")
        return PollPage(
            messages=[_polled(order) for order in _listed(answer)],
            cursor=following,
            has_more=bool(following),
        )

    def probe(self) -> Sequence[tuple[str, str]]:
        """That it is up, and that our key may read."""
        ping = self._call("GET", "/v1/ping", is_write=False).body
        orders = _listed(self._call("GET", ORDERS, is_write=False, params={"limit": "1"}))
        status = ping.get("status") if isinstance(ping, dict) else ping
        return [("Status", str(status)), ("Outbound orders", "readable" if orders else "none yet")]

    def _call(self, method: str, path: str, **options: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.account.secrets.get('api_key', '')}"}
        try:
            return self.http.call(method, path, headers=headers, trace_id=self.trace_id, **options)
        except RemoteRejected as error:
            _raise_named(error)


def _listed(answer: Answer) -> list[dict[str, Any]]:
    orders = answer.body.get("outbound_orders") if isinstance(answer.body, dict) else None
    if not isinstance(orders, list):
        raise RemoteUnavailable("The warehouse's list of outbound orders is not one.")
    return [order for order in orders if isinstance(order, dict)]


def _record(answer: Answer, *, is_write: bool) -> dict[str, Any]:
    if isinstance(answer.body, dict) and answer.body.get("id"):
        return answer.body
    if is_write:
        raise AnswerLost("The warehouse's answer lacks the order's id.")
    raise RemoteUnavailable("The warehouse's answer lacks the order's id.")


def _polled(order: dict[str, Any]) -> PolledMessage:
    lane, entity = lane_of(order)
    external_id, version = str(order.get("id", "")), str(order.get("updated_at", ""))
    return PolledMessage(
        envelope=Envelope(
            topic=POLLED_TOPIC,
            key=f"poll:{external_id}:{version}"[:200],
            lane=lane or f"outbound:{external_id}"[:160],
            entity_id=entity,
            event_at=parse_moment(version),
        ),
        body=json.dumps(order, sort_keys=True).encode(),
    )


def _raise_named(error: RemoteRejected) -> NoReturn:
    """The same refusal in the warehouse's own words, with its code and field as data."""
    body = error.context.get("body")
    told = body.get("error") if isinstance(body, dict) else None
    if not isinstance(told, dict):
        raise error
    raise RemoteRejected(
        f"The warehouse refused: {told.get('message')}."[:500],
        status=error.context.get("status"),
        answer=error.context.get("answer"),
        vendor_code=str(told.get("code") or ""),
        field=str(told.get("field") or ""),
    ) from error
