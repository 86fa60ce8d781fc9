"""The secret of an address that is told: kept encrypted, used to sign, never shown."""

from __future__ import annotations

import base64
import binascii

from django.conf import settings

from exceptions.errors import SecretUnreadable
from exceptions.models import Subscription
from retailhub.kernel import secretbox

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64


def keep_secret(subscription: Subscription, secret: str) -> None:
    """Write `secret` on a saved row in hand; the caller saves it."""
    subscription.ciphertext = secretbox.seal(
        secret, place=_place(subscription), keys=settings.CREDENTIAL_KEYS
    )
    subscription.fingerprint = secretbox.fingerprint(secret)


def secret_of(subscription: Subscription) -> str:
    """The clear text. Raises `SecretUnreadable`."""
    try:
        return secretbox.unseal(
            bytes(subscription.ciphertext),
            place=_place(subscription),
            keys=settings.CREDENTIAL_KEYS,
        )
    except secretbox.Unreadable as error:
        raise SecretUnreadable("Its secret can't be opened with our keys. Enter it again.") from (
            error
        )


def is_secret(text: str) -> bool:
    """True for a secret of Standard Webhooks: 24 to 64 bytes, in base64 after `whsec_`."""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error):
        return False
    return text.startswith(PREFIX) and LEAST_BYTES <= len(key) <= MOST_BYTES


def _place(subscription: Subscription) -> str:
    return f"exceptions_subscription|{subscription.pk}|secret"
