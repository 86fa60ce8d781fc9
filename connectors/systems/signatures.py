"""Did somebody who knows the secret write these bytes?

Signatures are compared as decoded bytes and in constant time; every secret is tried, so that a
replaced one may sign until it retires.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime

from connectors.systems.base import Headers, SignatureInvalid

# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
STANDARD_TOLERANCE_SECONDS = 300
_SECRET_PREFIX = "whsec_"  # noqa: S105 - the scheme's prefix, not a secret


def verify_body_hmac(signature: str, body: bytes, secrets: Sequence[str]) -> None:
    """Pass a base64 HMAC-SHA256 over the raw body made with one of `secrets`."""
    _compare([signature], (secret.encode() for secret in secrets), body)


def verify_standard_webhook(
    headers: Headers, body: bytes, secrets: Sequence[str], now: datetime
) -> None:
    """Pass a message signed per Standard Webhooks within five minutes of `now`.

    The header may hold several signatures, separated by spaces; only `v1` (HMAC-SHA256) counts.
    """
    message_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id:
        raise SignatureInvalid("webhook-id is missing")
    if not (sent_at.isascii() and sent_at.isdecimal() and len(sent_at) <= 12):
        raise SignatureInvalid("webhook-timestamp is not a number of seconds")
    if abs(now.timestamp() - int(sent_at)) > STANDARD_TOLERANCE_SECONDS:
        raise SignatureInvalid("webhook-timestamp is more than five minutes away")
    signatures = [
        signature
        for version, _, signature in (
            entry.partition(",") for entry in headers.get("webhook-signature", "").split(" ")
        )
        if version == "v1"
    ]
    signed = f"{message_id}.{sent_at}.".encode() + body
    _compare(signatures, map(standard_key, secrets), signed)


def sign_standard_webhook(message_id: str, body: bytes, *secrets: str, at: int) -> dict[str, str]:
    """The headers that prove who wrote `body`, with a signature for each of `secrets`.

    `at` is in seconds since 1970.
    """
    signed = f"{message_id}.{at}.".encode() + body
    signatures = [
        base64.b64encode(hmac.digest(standard_key(secret), signed, hashlib.sha256)).decode()
        for secret in secrets
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def standard_key(secret: str) -> bytes:
    """The key inside a Standard Webhooks secret: base64 after `whsec_`, else the text itself."""
    decoded = _decoded(secret.removeprefix(_SECRET_PREFIX))
    return secret.encode() if decoded is None else decoded


def _compare(signatures: Sequence[str], keys: Iterable[bytes], signed: bytes) -> None:
    claimed = [raw for raw in map(_decoded, signatures) if raw]
    expected = [hmac.digest(key, signed, hashlib.sha256) for key in keys if key]
    # All are compared before any counts: how long it takes says nothing about which one fits.
    fits = [hmac.compare_digest(one, other) for one in claimed for other in expected]
    if not any(fits):
        raise SignatureInvalid("no signature fits")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None
