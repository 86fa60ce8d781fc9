"""Messages and attempts, as they are on record. Bodies are shown without what tells who bought."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.html import format_html

from connectors.masking import masked_json
from connectors.models import Attempt, InboundMessage, OutboundMessage
from retailhub.kernel.admin import OwnFilter, RecordAdmin
from retailhub.kernel.json import InvalidJson, read_json

_LEASE = ("lease_owner", "lease_until", "lease_token")
_ERROR = ("error_code", "error_detail", "error_context_shown")


def shown(value: Any) -> str:
    """A JSON value, indented and masked."""
    return format_html("<pre>{}</pre>", masked_json(value))


def shown_body(body: bytes | memoryview) -> str:
    """A body, masked; one that is no JSON can't be, and is not shown."""
    try:
        return shown(read_json(bytes(body)))
    except InvalidJson as error:
        return f"{error} Its {len(body)} bytes are kept as they came and not shown."


@admin.register(InboundMessage)
class InboundMessageAdmin(RecordAdmin):
    """What was sent to us."""

    list_display = (
        "id",
        "connection",
        "topic",
        "key",
        "state",
        "attempts",
        "error_code",
        "received_at",
    )
    list_filter = ("state", ("connection", OwnFilter))
    list_select_related = ("connection",)
    exact_search = ("pk", "key", "trace_id", "lane")
    fields = (
        "connection", "topic", "key", "lane", "state", "received_at", "event_at", "finished_at",
        "trace_id", "headers", "body_shown", "edited_shown", "attempts", "crashes", "generation",
        "next_attempt_at", "deadline_at", *_LEASE, *_ERROR, "is_conflict_of",
    )  # fmt: skip

    def get_queryset(self, request: Any) -> Any:
        """Lists don't read the bodies."""
        return super().get_queryset(request).defer("body", "edited_body", "is_conflict_of__body")

    @admin.display(description="Body")
    def body_shown(self, row: InboundMessage) -> str:
        """What arrived."""
        return shown_body(row.body)

    @admin.display(description="Corrected body")
    def edited_shown(self, row: InboundMessage) -> str:
        """What a person made of it."""
        return "–" if row.edited_body is None else shown_body(row.edited_body)

    @admin.display(description="Error context")
    def error_context_shown(self, row: InboundMessage) -> str:
        """What the error knew."""
        return shown(row.error_context)


@admin.register(OutboundMessage)
class OutboundMessageAdmin(RecordAdmin):
    """What we owe other systems."""

    list_display = (
        "id",
        "connection",
        "kind",
        "reference",
        "state",
        "criticality",
        "attempts",
        "error_code",
    )
    list_filter = ("state", "criticality", ("connection", OwnFilter))
    list_select_related = ("connection",)
    exact_search = ("pk", "effect_key", "reference", "external_id", "trace_id")
    fields = (
        "connection", "kind", "reference", "effect_key", "external_id", "state", "criticality",
        "lane", "order_id", "created_at", "finished_at", "trace_id", "payload_shown", "attempts",
        "failures", "generation", "must_look_up", "next_attempt_at", "deadline_at", *_LEASE,
        *_ERROR,
    )  # fmt: skip

    @admin.display(description="Payload")
    def payload_shown(self, row: OutboundMessage) -> str:
        """What is asked."""
        return shown(row.payload)

    @admin.display(description="Error context")
    def error_context_shown(self, row: OutboundMessage) -> str:
        """What the error knew."""
        return shown(row.error_context)


@admin.register(Attempt)
class AttemptAdmin(RecordAdmin):
    """Each try of each effect."""

    scope = "message__connection"
    list_display = (
        "id",
        "message",
        "number",
        "is_look_up",
        "outcome",
        "status",
        "started_at",
        "milliseconds",
    )
    list_filter = ("outcome", "is_look_up", ("message__connection", OwnFilter))
    list_select_related = ("message",)
    exact_search = ("pk", "message__effect_key", "message__reference", "message__trace_id")
    fields = (
        "message", "number", "is_look_up", "outcome", "status", "started_at", "finished_at",
        "milliseconds", "error_code", "detail", "request_shown", "response_shown", "lease_token",
    )  # fmt: skip

    @admin.display(description="Request")
    def request_shown(self, row: Attempt) -> str:
        """What was sent."""
        return shown(row.request)

    @admin.display(description="Response")
    def response_shown(self, row: Attempt) -> str:
        """What was answered."""
        return shown(row.response)
