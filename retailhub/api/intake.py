"""What the API reads of a body, and an order's bytes -> on record, once."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from connectors.models import Connection, InboundMessage
from connectors.registry import SOURCES
from connectors.services.api_keys import TAKES_ORDERS, check_takes_orders
from connectors.services.receive import Delivery, Intake, receive_messages
from connectors.systems.base import MappingFailed
from connectors.tasks import drain_inbox
from retailhub.api.problems import Problem, first_error
from retailhub.kernel.json import InvalidJson, read_json
from retailhub.kernel.trace import current_trace_id
from retailhub.kernel.work import after_commit

TOPIC = "order.placed"
KEY_HEADER = "Idempotency-Key"
MAX_KEY = 200

# The header's own alphabet, without spaces at its ends, which proxies may trim.
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", re.ASCII)


@dataclass(frozen=True)
class Taken:
    """Where an order is on record; the same for every repetition."""

    message_id: int
    trace_id: UUID | None


@transaction.atomic(durable=True)
def take_order(*, connection: Connection, key: str, body: bytes, headers: dict[str, str]) -> Taken:
    """Store `body` under `key` and ring; asking again gives the first answer.

    Raises `Problem` for the same key with another body, which is then not stored.
    """
    source = SOURCES[TAKES_ORDERS]
    opened = source.open({"webhook-id": key}, body)
    delivery = Delivery(
        connection_id=connection.pk,
        envelope=replace(opened, topic=TOPIC),
        body=body,
        headers=json.dumps(headers),
        trace_id=current_trace_id(),
    )
    (stored,) = receive_messages([delivery])
    if stored.outcome == Intake.CONFLICT:
        # Raised inside the transaction: the caller hears of it, so no case needs to tell a person.
        raise Problem(
            409,
            "api.idempotency_key_reused",
            "This Idempotency-Key came with another body before; that one counts. "
            "Use a new key for a new order.",
            field=KEY_HEADER,
        )
    after_commit(drain_inbox)
    if stored.outcome == Intake.STORED:
        return Taken(stored.message_id, delivery.trace_id)
    first = InboundMessage.objects.filter(pk=stored.message_id)
    return Taken(stored.message_id, first.values_list("trace_id", flat=True).first())


def read_key(request: Request) -> str:
    """The Idempotency-Key. Raises `Problem` when it is missing or can't be used."""
    key = request.headers.get(KEY_HEADER, "")
    if not key:
        raise Problem(
            400,
            "api.idempotency_key_missing",
            f"Send an {KEY_HEADER} header, the same one whenever you send this again.",
            field=KEY_HEADER,
        )
    if len(key) > MAX_KEY or not _KEY.fullmatch(key):
        raise Problem(
            400,
            "api.idempotency_key_invalid",
            f"An {KEY_HEADER} is 1 to {MAX_KEY} visible ASCII characters.",
            field=KEY_HEADER,
        )
    return key


def read_body(request: Request) -> bytes:
    """The raw bytes, no more than the cap. Raises `Problem`."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json" or request.headers.get("Content-Encoding"):
        raise Problem(
            415,
            "api.unsupported_media_type",
            "Send plain application/json.",
            field="Content-Type",
        )
    cap = settings.HOOK_MAX_BYTES
    # Read, not trusted: a length may be missing or wrong.
    body: bytes = request._request.read(cap + 1)
    if len(body) > cap:
        raise Problem(413, "api.too_large", f"The body is larger than {cap} bytes.")
    return body


def read_fields(request: Request, shape: type[Serializer[Any]]) -> dict[str, Any]:
    """The body as `shape` describes it, and nothing else. Raises `Problem` naming the field."""
    try:
        fields = read_json(read_body(request))
    except InvalidJson as error:
        raise Problem(422, "api.invalid_body", str(error)) from error
    serializer = shape(data=fields)
    unknown = set(fields) - set(serializer.fields) if isinstance(fields, dict) else set()
    if unknown:
        name = min(unknown)[:60]
        raise Problem(422, "api.invalid_body", f"“{name}” is not a field.", field=name)
    if not serializer.is_valid():
        field, detail = first_error(serializer.errors)
        raise Problem(422, "api.invalid_body", detail, field=field)
    return dict(serializer.validated_data)


def check_order(connection: Connection, body: bytes) -> None:
    """Pass a body that the custom shop's reader understands. Raises `Problem` naming the field."""
    check_takes_orders(connection)
    try:
        SOURCES[TAKES_ORDERS].read(TOPIC, _unwrapped(read_json(body)))
    except (InvalidJson, MappingFailed) as error:
        field = str(error.context.get("field", ""))
        raise Problem(422, error.code, str(error), field=field) from error


def _unwrapped(payload: Any) -> Any:
    # A webhook's frame names a topic of its own; here the address has said what it is.
    if isinstance(payload, dict) and "data" in payload:
        raise MappingFailed("Send the order itself, not wrapped in “data”.", field="data")
    return payload
