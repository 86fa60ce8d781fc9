"""What does the OpenAPI document say that the code does not? The key, the headers, the errors."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema_serializer,
)
from rest_framework import serializers

from retailhub.api.problems import CONTENT_TYPE


@extend_schema_serializer(component_name="Problem")
class ProblemShape(serializers.Serializer[Any]):
    """Problem details (RFC 9457)."""

    type = serializers.CharField(help_text="A name for this kind of problem.")
    title = serializers.CharField(help_text="The kind, in words.")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What was seen this time.")
    code = serializers.CharField(help_text="Stable; decide by this one.")
    field = serializers.CharField(required=False, help_text="What to correct.")
    trace_id = serializers.UUIDField(required=False, help_text="Tell us this one.")


class BearerKey(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The key in the Authorization header."""

    target_class = "retailhub.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Bearer, with the look of our keys."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "rh_<prefix>_<secret>",
            "description": "A key made in the admin. It belongs to one connection and sees only "
            "what belongs to that. Scopes: orders:read, orders:write, cases:read, "
            "cases:write, stock:read, stock:write, stock:reserve, replays:read, replays:write.",
        }


_WHY = {
    400: "A parameter or header can't be used",
    401: "No key, or one that is unknown, expired or switched off",
    403: "The key lacks the scope",
    404: "Nothing here that this key can see",
    409: "It contradicts what we have",
    413: "The body is larger than we take",
    415: "The body is not JSON",
    422: "The body can't be taken; `field` names what to correct",
    429: "The key has used its calls; wait for Retry-After seconds",
    503: "Nothing was stored; send it again after Retry-After seconds",
}
_ALWAYS = (401, 403, 429, 503)


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """The errors of an operation: those named and those that any may have."""
    return {
        (status, CONTENT_TYPE): OpenApiResponse(ProblemShape, _WHY[status])
        for status in sorted({*statuses, *_ALWAYS})
    }


def _header(name: str, text: str, statuses: bool | list[int]) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        OpenApiTypes.INT,
        OpenApiParameter.HEADER,
        description=text,
        response=statuses,
    )


RATE_HEADERS = [
    _header("RateLimit-Limit", "Calls this key has in any minute.", True),
    _header("RateLimit-Remaining", "Calls left now.", True),
    _header("RateLimit-Reset", "Seconds until the oldest call is forgotten.", True),
    _header("Retry-After", "Seconds to wait before asking again.", [429, 503]),
]

MISSING = OpenApiExample(
    "A field is missing",
    value={
        "type": "urn:retailhub:problem:connectors.invalid_body",
        "title": "The body can't be taken",
        "status": 422,
        "detail": "The order lacks lines[0].quantity.",
        "code": "connectors.invalid_body",
        "field": "lines[0].quantity",
        "trace_id": "019a0b6e-0000-7000-8000-000000000000",
    },
    status_codes=["422"],
    media_type=CONTENT_TYPE,
    response_only=True,
)
