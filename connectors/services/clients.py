"""One keep-alive client per connection and process."""

from __future__ import annotations

import threading

from django.conf import settings

from connectors.models import Connection
from connectors.systems.addresses import AddressGuard
from connectors.systems.http import HttpClient

_clients: dict[tuple[int, str, float], HttpClient] = {}
_lock = threading.Lock()


def client_for(connection: Connection) -> HttpClient:
    """The client of `connection`; a changed address or timeout gets a new one."""
    key = (connection.pk, connection.base_url, connection.timeout_seconds)
    with _lock:
        client = _clients.get(key)
        if client is None:
            client = _clients[key] = new_client(connection)
        return client


def new_client(connection: Connection) -> HttpClient:
    """A client of its own, e.g. to test values that are not saved yet."""
    return HttpClient(
        base_url=connection.base_url,
        timeout=connection.timeout_seconds,
        guard=AddressGuard(frozenset(settings.PRIVATE_HOSTS_ALLOWED)),
    )


def close_all() -> None:
    """Let go of every socket of this process; the next call opens its own."""
    with _lock:
        for client in _clients.values():
            client.close()
        _clients.clear()
