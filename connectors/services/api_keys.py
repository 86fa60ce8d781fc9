"""Who calls our API? Keys are made, found by digest, switched off; the clear text is told once.

A key reads `rh_<prefix>_<secret>`: the prefix finds the row, 256 random bits prove it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Q

from connectors.errors import ConnectionUnusable
from connectors.models import ApiKey, Connection

# The one system whose orders come through the API; every other shop sends its own webhooks.
TAKES_ORDERS = "custom"
USE_NOTED_EVERY = timedelta(minutes=1)

_SHAPE = re.compile(r"rh_([0-9a-f]{12})_([0-9a-f]{64})", re.ASCII)
_NOBODY = hashlib.sha256(b"nobody").hexdigest()


class Scope(StrEnum):
    """What a key may do."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    CASES_READ = "cases:read"
    CASES_WRITE = "cases:write"
    STOCK_READ = "stock:read"
    STOCK_RESERVE = "stock:reserve"
    REPLAYS_READ = "replays:read"
    REPLAYS_WRITE = "replays:write"
    STOCK_WRITE = "stock:write"


@dataclass(frozen=True)
class IssuedKey:
    """A new key and, this once, its clear text."""

    row: ApiKey
    plain: str


@transaction.atomic
def create_api_key(
    *, connection_id: int, name: str, scopes: Iterable[str], expires_at: datetime | None = None
) -> IssuedKey:
    """Make a key for `connection_id`. Only its digest is kept, so it can't be shown again.

    Raises `ConnectionUnusable` when the key could never place the orders it is meant for.
    """
    granted = sorted(Scope(scope).value for scope in set(scopes))
    connection = Connection.objects.get(pk=connection_id)
    if Scope.ORDERS_WRITE in granted:
        check_takes_orders(connection)
    prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
    row = ApiKey.objects.create(
        connection=connection,
        name=name,
        prefix=prefix,
        digest=_digest(secret),
        scopes=granted,
        expires_at=expires_at,
    )
    return IssuedKey(row, f"rh_{prefix}_{secret}")


def check_takes_orders(connection: Connection) -> None:
    """Pass a connection whose orders may come through the API. Raises `ConnectionUnusable`."""
    if connection.system != TAKES_ORDERS:
        raise ConnectionUnusable(
            f"{connection.name} sends its orders itself; only a custom shop's come through the API."
        )
    if connection.channel_id is None:
        raise ConnectionUnusable(f"{connection.name} has no channel. Give it one in the admin.")


def find_api_key(presented: str, *, now: datetime) -> ApiKey | None:
    """The key with its connection, or None: unknown, wrong, expired or switched off are all one.

    Compares in constant time, also when there is no such row.
    """
    parts = _SHAPE.fullmatch(presented)
    if parts is None:
        return None
    prefix, secret = parts.groups()
    row = ApiKey.objects.select_related("connection__channel").filter(prefix=prefix).first()
    is_proven = hmac.compare_digest(_digest(secret), row.digest if row else _NOBODY)
    if row is None or not is_proven or not row.is_active or not row.connection.is_active:
        return None
    return row if row.expires_at is None or row.expires_at > now else None


def note_use(key: ApiKey, *, now: datetime) -> None:
    """Remember that `key` was used, at most once a minute: reading must not mean writing."""
    stale = now - USE_NOTED_EVERY
    if key.last_used_at is not None and key.last_used_at > stale:
        return
    unnoted = Q(last_used_at=None) | Q(last_used_at__lte=stale)
    ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)


@transaction.atomic
def switch_off(*, key_id: int) -> None:
    """End a key at once. Its row and history stay."""
    row = ApiKey.objects.select_for_update().get(pk=key_id)
    if row.is_active:
        row.is_active = False
        row.save(update_fields=["is_active", "updated_at"])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
