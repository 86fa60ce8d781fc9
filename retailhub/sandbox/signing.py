"""How each vendor proves that a webhook is its own."""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass


def shopify_signature(secret: str, body: bytes) -> str:
    """base64(HMAC-SHA256(app secret, raw bytes))"""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def standard_signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """v1,base64(HMAC-SHA256(decoded secret, "id.timestamp.body")), per Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


@dataclass
class RotatingSecret:
    """The secret in force and, for a while after a rotation, the one before."""

    current: str
    former: str | None = None
    former_until: float = 0.0

    def rotate(self, secret: str, old_signs_for_s: float) -> None:
        self.former, self.former_until = self.current, time.time() + old_signs_for_s
        self.current = secret

    def still_former(self) -> str | None:
        """The secret before, while it still counts."""
        return self.former if self.former and time.time() < self.former_until else None


def fresh_standard_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def fresh_shop_secret() -> str:
    return "shpss_" + secrets.token_hex(16)
