"""A remote to talk to, a client that may, and a code book that knows a few codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from connectors.systems.addresses import AddressGuard
from connectors.systems.base import Account, Intent, IntentKind
from connectors.systems.http import HttpClient
from tests.connectors.systems.remote import Remote


@pytest.fixture
def remote() -> Iterator[Remote]:
    server = Remote()
    yield server
    server.close()


@pytest.fixture
def http(remote: Remote) -> Iterator[HttpClient]:
    client = HttpClient(
        remote.url, timeout=2.0, guard=AddressGuard(frozenset({f"127.0.0.1:{remote.port}"}))
    )
    yield client
    client.close()


@pytest.fixture
def account() -> Account:
    return Account(
        slug="demo",
        base_url="",
        secrets={
            "access_token": "a-token",
            "api_key": "a-key",
            "client_id": "an-id",
            "client_secret": "a-secret",
        },
        settings={"customer_id": "1001"},
    )


class Codes:
    """Their code for ours where it differs; else the same."""

    def __init__(self, rows: Mapping[tuple[str, str], str] | None = None) -> None:
        self.rows = rows or {}

    def external(self, table: str, code: str) -> str:
        return self.rows.get((str(table), code), code)


MakeIntent = Callable[..., Intent]


@pytest.fixture
def intent() -> MakeIntent:
    def make(
        kind: IntentKind,
        payload: Mapping[str, Any],
        codes: Mapping[tuple[str, str], str] | None = None,
    ) -> Intent:
        return Intent(
            kind=kind,
            effect_key=f"{kind.value}:{payload.get('reference')}",
            payload=payload,
            trace_id="0199a0b1-0000-7000-8000-000000000001",
            codes=Codes(codes),
        )

    return make
