"""What people and scripts put into an address or a field, made safe to ask the database with."""

from __future__ import annotations

import re

_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)


def whole_number(text: str) -> int | None:
    """The number written as plain digits that a bigint holds, else None."""
    return int(text) if _WHOLE.fullmatch(text) else None


def plain(text: str) -> str:
    """`text` without the spaces around it, and without the one character PostgreSQL can't store."""
    return text.replace("\x00", "").strip()
