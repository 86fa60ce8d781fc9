"""Keeping and using secrets: written once, never shown again."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from connectors.errors import ConnectionUnusable
from connectors.models import Connection, Credential
from connectors.systems.base import Account
from retailhub.kernel import secretbox

ROTATION_OVERLAP = timedelta(hours=24)


def _place(connection_id: int, name: str) -> str:
    return f"connectors_credential|{connection_id}|{name}"


@transaction.atomic
def store_credential(*, connection_id: int, name: str, secret: str, now: datetime) -> Credential:
    """Keep `secret` as the newest of its name. The one it replaces stays valid for a day."""
    Credential.objects.filter(connection_id=connection_id, name=name, retires_at=None).update(
        retires_at=now + ROTATION_OVERLAP
    )
    return Credential.objects.create(
        connection_id=connection_id,
        name=name,
        ciphertext=secretbox.seal(
            secret, place=_place(connection_id, name), keys=settings.CREDENTIAL_KEYS
        ),
        fingerprint=secretbox.fingerprint(secret),
        last_four=secret[-4:] if len(secret) >= 12 else "",
    )


def valid_secrets(*, connection_id: int, now: datetime) -> dict[str, list[str]]:
    """Every secret that is valid now, by name, newest first. Raises `ConnectionUnusable`."""
    rows = Credential.objects.filter(
        Q(retires_at=None) | Q(retires_at__gt=now), connection_id=connection_id
    ).order_by("-pk")
    secrets: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        secrets[row.name].append(_open(row))
    return secrets


def _open(row: Credential) -> str:
    try:
        return secretbox.unseal(
            bytes(row.ciphertext),
            place=_place(row.connection_id, row.name),
            keys=settings.CREDENTIAL_KEYS,
        )
    except secretbox.Unreadable as error:
        raise ConnectionUnusable(
            f"The credential {row.name} can't be opened with our keys. Enter it again.",
            credential=row.name,
        ) from error


def account_of(
    connection: Connection, *, now: datetime, overrides: dict[str, str] | None = None
) -> Account:
    """How to reach `connection`, with its newest secrets (or those being tested) in clear."""
    secrets = {
        name: values[0]
        for name, values in valid_secrets(connection_id=connection.pk, now=now).items()
    }
    return Account(
        slug=connection.slug,
        base_url=connection.base_url,
        secrets={**secrets, **(overrides or {})},
        settings=connection.settings,
    )
