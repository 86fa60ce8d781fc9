"""One page of a list: by key, so new rows never shift it and no page costs more than another."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from retailhub.api.problems import Problem

M = TypeVar("M", bound=Model)

_LARGEST_KEY = 2**63 - 1


def page_of(
    rows: QuerySet[M], *, cursor: str, limit: int, is_oldest_first: bool = False
) -> tuple[list[M], str | None]:
    """Up to `limit` rows after `cursor`, and the cursor of the next page if there is one."""
    if (key := key_in(cursor)) is not None:
        rows = rows.filter(**{"pk__gt" if is_oldest_first else "pk__lt": key})
    # One row more than asked for tells whether there is a next page, without counting.
    found = list(rows.order_by("pk" if is_oldest_first else "-pk")[: limit + 1])
    page = found[:limit]
    return page, cursor_after(page[-1].pk) if len(found) > limit else None


def cursor_after(key: Any) -> str:
    """The cursor of the page that follows the row with this key."""
    return base64.urlsafe_b64encode(f"k{key}".encode()).decode().rstrip("=")


def key_in(cursor: str) -> int | None:
    """The key that `cursor` goes on after; none for the first page."""
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = int(text.removeprefix(b"k"))
    except (ValueError, binascii.Error):
        key = -1
    if not 0 <= key <= _LARGEST_KEY:
        raise Problem(
            400, "api.invalid_parameter", "The cursor is not one we gave.", field="cursor"
        )
    return key
