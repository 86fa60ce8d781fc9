"""How does a value look in the API? Money is text with its currency, a time is UTC with a zone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from retailhub.kernel.money import to_cents


@extend_schema_serializer(component_name="Money")
class Money(serializers.Serializer[Any]):
    """An exact amount: decimal text, never a float."""

    amount = serializers.CharField(help_text="Decimal text, e.g. “64.70”.")
    currency = serializers.CharField(help_text="ISO 4217, e.g. EUR.")


def money_of(amount: Decimal, currency: str) -> dict[str, str]:
    """`amount` to the cent; with more digits only where there is a fraction of one."""
    cents = to_cents(amount, currency)
    exact = cents if cents == amount else amount.normalize()
    return {"amount": f"{exact:f}", "currency": currency}


@extend_schema_field({"type": "string", "format": "date-time", "example": "2026-11-20T08:30:00Z"})
class Moment(serializers.DateTimeField):
    """A time in UTC."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)


def moment(value: datetime | None) -> str | None:
    """The same for a value in hand."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None


class PageQuery(serializers.Serializer[Any]):
    """Parameters of every list."""

    cursor = serializers.CharField(
        required=False,
        max_length=100,
        help_text="`next_cursor` of the page before. Leave out for the first page.",
    )
    limit = serializers.IntegerField(
        required=False, default=50, min_value=1, max_value=100, help_text="Rows per page."
    )


class Page(serializers.Serializer[Any]):
    """The frame of every list; subclasses name their `results`."""

    next_cursor = serializers.CharField(
        allow_null=True, help_text="Ask for the next page with it; null on the last one."
    )
