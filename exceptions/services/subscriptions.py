"""The secret of an address that is told: kept encrypted, used to sign, never shown.

A new one takes over at once; the one before it signs beside it for a day, so that whoever receives
has the time to follow.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta

from django.conf import settings

from exceptions.errors import SecretUnreadable
from exceptions.models import Subscription
from retailhub.kernel import secretbox

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
OVERLAP = timedelta(hours=24)


def keep_secret(subscription: Subscription, secret: str, *, now: datetime) -> None:
    """Write `secret` on a saved row in hand; the caller saves it. What it had ends in a day."""
    fingerprint = secretbox.fingerprint(secret)
    if subscription.ciphertext and fingerprint != subscription.fingerprint:
        subscription.former_ciphertext = subscription.ciphertext
        subscription.former_until = now + OVERLAP
    subscription.ciphertext = secretbox.seal(
        secret, place=_place(subscription), keys=settings.CREDENTIAL_KEYS
    )
    subscription.fingerprint = fingerprint


def end_old_secret(subscription: Subscription) -> None:
    """What it had before signs no more; the caller saves it."""
    subscription.former_ciphertext = subscription.former_until = None


def secrets_of(subscription: Subscription, *, now: datetime) -> list[str]:
    """What signs now, in clear text, the newest first. Raises `SecretUnreadable`."""
    kept = [subscription.ciphertext]
    former, until = subscription.former_ciphertext, subscription.former_until
    if former and until and until > now:
        kept.append(former)
    try:
        return [
            secretbox.unseal(
                bytes(ciphertext), place=_place(subscription), keys=settings.CREDENTIAL_KEYS
            )
            for ciphertext in kept
        ]
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
