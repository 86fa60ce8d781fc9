"""The warehouse as a source of fulfilment events and counts, and a sink for outbound orders."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NoReturn

from connectors.systems.base import (
    Account,
    Envelope,
    Headers,
    Intent,
    IntentKind,
    Json,
    MappingMissing,
    MappingTable,
    PollPage,
    Reading,
    Receipt,
)
from connectors.systems.fields import parse_moment
from connectors.systems.http import HttpClient, RemoteRejected
from connectors.systems.signatures import verify_standard_webhook
from connectors.systems.warehouse.client import WarehouseApi
from connectors.systems.warehouse.mapping import (
    COUNT_TOPIC,
    KINDS,
    MOVEMENTS,
    POLLED_TOPIC,
    lane_of,
    read_count,
    read_event,
    read_movement,
    read_polled,
    write_outbound_order,
)
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.json import read_json

_LINE = re.compile(r"lines\[(\d+)\]")


class Warehouse:
    """Events and counts in, outbound orders out."""

    kinds = frozenset({IntentKind.RELEASE_FULFILLMENT, IntentKind.CANCEL_FULFILLMENT})
    repeatable: frozenset[IntentKind] = frozenset()

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """Pass what was signed per Standard Webhooks. Raises `SignatureInvalid`."""
        verify_standard_webhook(headers, body, secrets, now)

    def open(self, headers: Headers, body: bytes) -> Envelope:
        """The envelope, from a strict parse: events are small. Never raises for a bad body."""
        key = headers.get("webhook-id") or sha256(body).hexdigest()
        try:
            payload = read_json(body)
        except NeedsOperator:
            payload = None
        told: dict[str, Any] = payload if isinstance(payload, dict) else {}
        lane, entity = lane_of(told)
        return Envelope(
            topic=str(told.get("type") or "unreadable")[:80],
            key=key[:200],
            lane=lane or f"event:{key}"[:160],
            entity_id=entity,
            event_at=parse_moment(str(told.get("occurred_at") or "")),
        )

    def read(self, topic: str, payload: Json) -> Reading:
        """The facts in a parsed body. Raises `MappingFailed` naming the field."""
        if topic in KINDS:
            return Reading(facts=[read_event(topic, payload)])
        if topic == COUNT_TOPIC:
            return Reading(facts=[read_count(payload)])
        if topic in MOVEMENTS:
            return Reading(facts=[read_movement(topic, payload)])
        if topic == POLLED_TOPIC:
            return Reading(facts=read_polled(payload))
        return Reading(ignored=f"unknown topic {topic[:80]}")

    def poll(self, http: HttpClient, account: Account, cursor: str, since: datetime) -> PollPage:
        """One page of outbound orders that changed after `since`."""
        return WarehouseApi(http, account).changed_since(since, cursor)

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        """Apply the effect. Raises `RetryLater`, `OutcomeUnknown` or `NeedsOperator`."""
        return _SEND[intent.kind](WarehouseApi(http, account, intent.trace_id), intent)

    def look_up(self, http: HttpClient, account: Account, intent: Intent) -> Receipt | None:
        """The receipt if the effect is already there, else None. A read, never a write."""
        return _LOOK_UP[intent.kind](WarehouseApi(http, account, intent.trace_id), intent)

    def probe(self, http: HttpClient, account: Account) -> Sequence[tuple[str, str]]:
        """That the warehouse is up and our key may read."""
        return WarehouseApi(http, account).probe()


def _release(api: WarehouseApi, intent: Intent) -> Receipt:
    request = write_outbound_order(intent.payload, intent.codes)
    try:
        order = api.create(request)
    except RemoteRejected as error:
        _name_missing_code(error, intent)
        raise
    return Receipt(external_id=str(order["id"]), request=request, response=order)


def _find_released(api: WarehouseApi, intent: Intent) -> Receipt | None:
    found = api.orders_called(intent.payload["reference"])
    if not found:
        return None
    # Should there be several, the one that still lives is the one that ships.
    order = min(found, key=lambda order: order.get("status") == "cancelled")
    return Receipt(
        external_id=str(order["id"]), detail=f"{len(found)} found at the warehouse", response=order
    )


def _cancel(api: WarehouseApi, intent: Intent) -> Receipt:
    order = _order_to_cancel(api, intent)
    if order.get("status") == "cancelled":
        return Receipt(external_id=str(order["id"]), detail="was cancelled already", response=order)
    answer = api.cancel(str(order["id"]), str(intent.payload.get("reason") or ""))
    return Receipt(external_id=str(answer["id"]), response=answer)


def _find_cancelled(api: WarehouseApi, intent: Intent) -> Receipt | None:
    order = _order_to_cancel(api, intent)
    if order.get("status") != "cancelled":
        return None
    return Receipt(external_id=str(order["id"]), detail="cancelled", response=order)


def _order_to_cancel(api: WarehouseApi, intent: Intent) -> dict[str, Any]:
    if external_id := intent.payload.get("external_id"):
        return api.get(str(external_id))
    reference = intent.payload["reference"]
    found = api.orders_called(reference)
    if not found:
        raise RemoteRejected(f"The warehouse has no order {reference}.", reference=reference)
    return min(found, key=lambda order: order.get("status") == "cancelled")


def _name_missing_code(error: RemoteRejected, intent: Intent) -> None:
    """A code the warehouse does not know is a missing row of ours: name it by our own code."""
    code, field = error.context.get("vendor_code"), str(error.context.get("field"))
    lines, found = intent.payload["lines"], _LINE.match(field)
    if code == "unknown_sku" and found and int(found[1]) < len(lines):
        sku = lines[int(found[1])]["sku"]
        _raise_missing(f"SKU {sku}", MappingTable.SKU, sku, error)
    if code == "unknown_warehouse":
        location = intent.payload["location"]
        _raise_missing(f"Location {location}", MappingTable.LOCATION, location, error)
    if field == "service":
        method = intent.payload["shipping_method"]
        _raise_missing(f"Shipping method {method}", MappingTable.SHIPPING_METHOD, method, error)


def _raise_missing(named: str, table: MappingTable, code: str, error: RemoteRejected) -> NoReturn:
    raise MappingMissing(
        f"{named} is unknown in the warehouse.", table=table.value, external_code=code
    ) from error


_SEND: dict[IntentKind, Callable[[WarehouseApi, Intent], Receipt]] = {
    IntentKind.RELEASE_FULFILLMENT: _release,
    IntentKind.CANCEL_FULFILLMENT: _cancel,
}
_LOOK_UP: dict[IntentKind, Callable[[WarehouseApi, Intent], Receipt | None]] = {
    IntentKind.RELEASE_FULFILLMENT: _find_released,
    IntentKind.CANCEL_FULFILLMENT: _find_cancelled,
}
