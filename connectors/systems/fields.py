"""What is really in this field? Getters that know their path, so that every refusal names it.

Shared by all mappings. A field of the wrong type, size or sign raises `MappingFailed` with a first
sentence such as "Shopify's order lacks line_items[2].price."
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from connectors.systems.base import MappingFailed
from retailhub.kernel.money import ZERO

# What a row of ours can hold: 15 digits and 4 decimals of money, far more units than any shelf.
MAX_AMOUNT = Decimal(10) ** 12
MAX_TOTAL = Decimal(10) ** 15
MAX_QUANTITY = 1_000_000
MAX_ITEMS = 5_000
MAX_CODE = 80

_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,12})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_SMALLEST = Decimal("0.0001")
_KINDS = {bool: "true or false", str: "text", dict: "an object", list: "a list"}


class Fields:
    """One object of a message, read field by field. `subject` is how sentences call the message."""

    def __init__(self, value: Any, subject: str, path: str = "") -> None:
        self.subject, self.path = subject, path
        if not isinstance(value, Mapping):
            where = f"{subject} can't be read: {path}" if path else subject
            raise MappingFailed(f"{where} is not an object but {kind_of(value)}.", field=path)
        self.raw: Mapping[str, Any] = value

    def has(self, field: str) -> bool:
        """True when the field is there and not null."""
        return self.raw.get(field) is not None

    def text(self, field: str, default: str | None = None, *, limit: int = 255) -> str:
        """Text of at most `limit` characters, trimmed. Without a default it must not be empty."""
        value = self._value(field, default)
        if not isinstance(value, str):
            self._refuse(field, f"is not text but {kind_of(value)}")
        value = value.strip()
        if not value and default is None:
            self._refuse(field, "is empty")
        if len(value) > limit:
            self._refuse(field, f"is longer than {limit} characters")
        return value or (default or "")

    def label(self, field: str, *, limit: int = 255) -> str:
        """Text for people, cut at `limit`; empty when missing."""
        value = self.raw.get(field)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._refuse(field, f"is not text but {kind_of(value)}")
        return value.strip()[:limit]

    def identifier(self, field: str, default: str | None = None) -> str:
        """An id as text: ids above 2^53 lose digits as numbers elsewhere, never here."""
        value = self._value(field, default)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            self._refuse(field, f"is not an id but {kind_of(value)}")
        if (not value and default is None) or len(value) > MAX_CODE or not value.isprintable():
            self._refuse(field, f"is not an id of 1 to {MAX_CODE} characters")
        return value

    def amount(
        self, field: str, default: Decimal | None = None, *, signed: bool = False
    ) -> Decimal:
        """An exact amount, from decimal text or a number. Negative only when `signed`."""
        given = self._value(field, default)
        value = _decimal(given)
        if value is None:
            self._refuse(field, f"is not an amount but {kind_of(given)}")
        if abs(value) >= MAX_AMOUNT:
            self._refuse(field, "is too large to be an amount")
        if value < 0 and not signed:
            self._refuse(field, f"is negative ({value})")
        exact = value.quantize(_SMALLEST)
        if exact != value:
            self._refuse(field, "has more than four decimals")
        # As it was written ("10.00"), unless that was in powers of ten or with needless zeros.
        return value if -4 <= int(value.as_tuple().exponent) <= 0 else exact

    def rate(self, field: str) -> Decimal:
        """A share such as 0.19, from text or a number; zero when missing."""
        value = _decimal(self._value(field, ZERO))
        if value is None or not 0 <= value < 100:
            self._refuse(field, "is not a rate")
        return value

    def quantity(self, field: str, default: int | None = None) -> int:
        """Whole units, zero or more."""
        value = self._value(field, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self._refuse(field, f"is not a whole number but {kind_of(value)}")
        if not 0 <= value <= MAX_QUANTITY:
            self._refuse(field, f"is not a quantity between 0 and {MAX_QUANTITY}")
        return value

    def flag(self, field: str, *, default: bool) -> bool:
        """True or false."""
        value = self._value(field, default)
        if not isinstance(value, bool):
            self._refuse(field, f"is not true or false but {kind_of(value)}")
        return value

    def moment(self, field: str) -> datetime:
        """A time with its zone, ISO 8601."""
        value = self.text(field, limit=40)
        moment = parse_moment(value)
        if moment is None:
            self._refuse(field, "is not a time with a zone, like 2026-11-20T09:30:00Z")
        return moment

    def optional_moment(self, field: str) -> datetime | None:
        """Like `moment`, or None when missing, null or empty."""
        return self.moment(field) if self.raw.get(field) not in (None, "") else None

    def currency(self, field: str, default: str | None = None) -> str:
        """Three capital letters (ISO 4217)."""
        value = self.text(field, default)
        if value and not _CURRENCY.fullmatch(value):
            self._refuse(field, "is not a currency code of three capital letters")
        return value

    def choice(self, field: str, allowed: Mapping[str, Any], default: str | None = None) -> Any:
        """What the table `allowed` says for the field's text."""
        value = self.text(field, default)
        if value not in allowed:
            self._refuse(field, f"is {value[:60]!r}, which we don't know")
        return allowed[value]

    def inside(self, field: str) -> Fields | None:
        """The object in a field, or None when missing or null."""
        value = self.raw.get(field)
        return None if value is None else Fields(value, self.subject, self._at(field))

    def items(self, field: str, *, required: bool = False) -> Sequence[Fields]:
        """The objects of a list; none when missing or null, unless `required`."""
        value = self._value(field, None if required else [])
        if not isinstance(value, list):
            self._refuse(field, f"is not a list but {kind_of(value)}")
        if len(value) > MAX_ITEMS:
            self._refuse(field, f"has more than {MAX_ITEMS} entries")
        at = self._at(field)
        return [Fields(entry, self.subject, f"{at}[{n}]") for n, entry in enumerate(value)]

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of short texts; none when missing or null."""
        value = self._value(field, [])
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            self._refuse(field, "is not a list of texts")
        for entry in value:
            if not isinstance(entry, str) or len(entry) > 255:
                self._refuse(field, "is not a list of texts of at most 255 characters")
        return tuple(value)

    def refuse(self, field: str, why: str) -> NoReturn:
        """Refuse a field for a reason only its mapping knows."""
        self._refuse(field, why)

    def _value(self, field: str, default: Any) -> Any:
        value = self.raw.get(field)
        if value is not None:
            return value
        if default is None:
            path = self._at(field)
            raise MappingFailed(f"{self.subject} lacks {path}.", field=path)
        return default

    def _at(self, field: str) -> str:
        return f"{self.path}.{field}" if self.path else field

    def _refuse(self, field: str, why: str) -> NoReturn:
        path = self._at(field)
        raise MappingFailed(f"{self.subject} can't be read: {path} {why}.", field=path)


def kind_of(value: Any) -> str:
    """What a value is, for a sentence; short texts and numbers are quoted."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    for kind, name in _KINDS.items():
        if isinstance(value, kind):
            return name
    return f"the number {str(value)[:40]}"


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value) if _AMOUNT.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if number.is_finite() else None


def parse_moment(value: str) -> datetime | None:
    """The time in ISO 8601 text with a zone, or None. Digits beyond microseconds are dropped."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    # Far years overflow when a zone is applied, and no shop has them.
    return moment if moment.tzinfo is not None and 1900 < moment.year < 3000 else None
