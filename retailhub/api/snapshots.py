"""A source sends a whole file of stock, and asks what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from connectors.services.api_keys import Scope
from connectors.services.snapshots import take_snapshot
from inventory.errors import SnapshotKeyReused, SnapshotUnreadable
from inventory.models import SnapshotRun
from retailhub.api import intake
from retailhub.api.authentication import needs
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.problems import Problem
from retailhub.api.view import HubView

MEDIA_TYPES = frozenset({"text/csv", "application/gzip", "application/x-gzip"})
COUNTED_AT = "Counted-At"


class Unparsed(BaseParser):
    """The bytes as they come: a file is not something to hold in memory."""

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Nothing: the operation reads the stream by itself."""
        return None


class Snapshot(serializers.ModelSerializer[SnapshotRun]):
    """What became of a file. Of `rows` each is in one of the six numbers below it."""

    seconds = serializers.SerializerMethodField(help_text="How long it ran.")
    previous_id = serializers.IntegerField(allow_null=True, read_only=True)
    unknown_codes = serializers.DictField(child=serializers.ListField())
    samples = serializers.ListField(
        child=serializers.DictField(), help_text="The first bad rows: row, why, text."
    )

    class Meta:
        model = SnapshotRun
        fields = (
            "id", "state", "counted_at", "rows", "added", "changed", "unchanged", "outdated",
            "unknown", "rejected", "units", "unknown_codes", "samples", "error", "previous_id",
            "started_at", "finished_at", "seconds",
        )  # fmt: skip

    def get_seconds(self, run: SnapshotRun) -> float | None:
        """None until it has ended."""
        return run.duration.total_seconds() if run.duration else None


class SendSnapshot(HubView):
    """Take a file on record; what becomes of it is asked at `status_url`."""

    parser_classes = (Unparsed,)

    @extend_schema_serializer(component_name="SnapshotAccepted")
    class Accepted(serializers.Serializer[Any]):
        """Where to ask."""

        snapshot_id = serializers.IntegerField()
        status_url = serializers.URLField()

    @extend_schema(
        operation_id="sendStockSnapshot",
        summary="Send a file of stock",
        description="A CSV file, plain or gzip, of one row per item and location. The header names "
        "`sku`, `location` and `quantity`; `unit` and `counted_at` may be there, other columns "
        "are passed over. Comma, semicolon, tab or bar separates. Answers 202 once the file is "
        "on disk; only what differs from what we know is applied. Locations and items that the "
        "file does not name stay as they are.",
        tags=["stock"],
        request={("text/csv"): OpenApiTypes.STR, "application/gzip": OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter(
                intake.KEY_HEADER,
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                required=True,
                description="The same key with the same bytes is one snapshot.",
            ),
            OpenApiParameter(
                COUNTED_AT,
                OpenApiTypes.DATETIME,
                OpenApiParameter.HEADER,
                description="When the rows were counted, unless they say so. Default: now.",
            ),
            *RATE_HEADERS,
        ],
        responses={202: Accepted, **problems(400, 409, 413, 415)},
        examples=[
            OpenApiExample(
                "Two rows",
                value="sku,location,quantity\nMUG,BERLIN,12\nPLATE,BERLIN,0\n",
                media_type="text/csv",
                request_only=True,
            )
        ],
    )
    @needs(Scope.STOCK_WRITE)
    def post(self, request: Request) -> Response:
        """The file is read by a worker; only its size and key are checked here."""
        _check_type(request)
        try:
            run = take_snapshot(
                _chunks(request),
                connection=self.key.connection,
                key=intake.read_key(request),
                counted_at=_counted_at(request),
            )
        except SnapshotUnreadable as error:
            raise Problem(413, "api.too_large", str(error)) from error
        except SnapshotKeyReused as error:
            detail = f"{error} Use a new key for a new file."
            raise Problem(
                409, "api.idempotency_key_reused", detail, field=intake.KEY_HEADER
            ) from error
        url = reverse("api:snapshot", kwargs={"snapshot_id": run.pk}, request=request)
        return Response(
            {"snapshot_id": run.pk, "status_url": url}, status=202, headers={"Location": url}
        )


class ShowSnapshot(HubView):
    """What became of a file."""

    @extend_schema(
        operation_id="showStockSnapshot",
        summary="Show what became of a file of stock",
        tags=["stock"],
        parameters=RATE_HEADERS,
        responses={200: Snapshot, **problems(404)},
    )
    @needs(Scope.STOCK_WRITE)
    def get(self, request: Request, snapshot_id: int) -> Response:
        """Only the caller's own."""
        runs = SnapshotRun.objects.filter(source=self.key.connection.slug)
        run = runs.filter(pk=snapshot_id).first()
        if run is None:
            raise Http404
        return Response(Snapshot(run).data)


def _check_type(request: Request) -> None:
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    encoding = request.headers.get("Content-Encoding", "").lower()
    # A gzip body is known by its first bytes, whichever of the two headers says so.
    if media_type not in MEDIA_TYPES or encoding not in {"", "identity", "gzip"}:
        raise Problem(
            415,
            "api.unsupported_media_type",
            "Send the file as text/csv or application/gzip.",
            field="Content-Type",
        )


def _chunks(request: Request) -> Iterator[bytes]:
    """The body, a bounded piece at a time. The server has put a long one on its disk."""
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > settings.SNAPSHOT_MAX_BYTES:
        raise SnapshotUnreadable(f"The file is larger than {settings.SNAPSHOT_MAX_BYTES} bytes.")
    while chunk := request._request.read(1 << 20):
        yield chunk


def _counted_at(request: Request) -> datetime:
    text = request.headers.get(COUNTED_AT)
    if text is None:
        return timezone.now()
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Problem(
            400,
            "api.invalid_parameter",
            f"{COUNTED_AT} is a time with a zone, like 2026-11-20T09:30:00Z.",
            field=COUNTED_AT,
        )
    return moment
