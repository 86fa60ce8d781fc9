"""When are two problems the same one? Equal code, connection and the words that matter."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from exceptions.expected import is_expectation

VERSION = 1

# The part of the context that tells causes apart. Elsewhere: the message without its numbers.
_KEYS: dict[str, tuple[str, ...]] = {
    "connectors.mapping_missing": ("table", "external_code"),
    "inventory.insufficient_stock": ("skus",),
    "inventory.overdrawn": ("cause",),
    "inventory.ledger_differs": (),
    "inventory.drift": ("offer_id",),
    "inventory.recount_asked": ("level_id",),
    "connectors.credentials_rejected": (),
    "connectors.parent_missing": (),
    "connectors.missing": (),
}
_VARYING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|“[^”]*”|\b\S*\d\S*\b")


def fingerprint(code: str, connection_id: int | None, detail: str, context: dict[str, Any]) -> str:
    """A stable name for the cause. The version is in it: new rules never mix with old groups."""
    # What did not happen is grouped by what was expected of whom.
    keys = () if is_expectation(code) else _KEYS.get(code)
    words = (
        [str(context.get(key, "")) for key in keys]
        if keys is not None
        else [_VARYING.sub("#", detail)]
    )
    text = "|".join([str(VERSION), code, str(connection_id or ""), *words])
    return hashlib.sha256(text.encode()).hexdigest()
