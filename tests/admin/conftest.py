"""An admin, a member of one team who was let in, and connections of two teams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from connectors.models import Connection
from connectors.services.credentials import store_credential
from exceptions.models import Team
from inventory.models import Channel

SECRET = "shpat_plain-secret-0123456789-4f2a"


def make_connection(slug: str, system: str = "netsuite", **columns: Any) -> Connection:
    facts: dict[str, Any] = {"role": "ERP", "base_url": "http://127.0.0.1:9102", **columns}
    return Connection.objects.create(slug=slug, name=slug.title(), system=system, **facts)


@pytest.fixture
def shop(db: None) -> Connection:
    channel = Channel.objects.create(code="shopify-de", name="Shopify DE")
    return make_connection("shopify-de", "shopify", role="SHOP", channel=channel)


@pytest.fixture
def erp(db: None) -> Connection:
    return make_connection("netsuite")


@pytest.fixture
def team(erp: Connection) -> Team:
    made = Team.objects.create(slug="finance", name="Finance")
    made.connections.set([erp])
    return made


@pytest.fixture
def with_secret(shop: Connection) -> Connection:
    store_credential(connection_id=shop.pk, name="access_token", secret=SECRET, now=timezone.now())
    return shop


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(db: None) -> Client:
    return signed_in(User.objects.create_superuser("mia", "mia@example.org", "pw"))


@pytest.fixture
def member(team: Team) -> Client:
    """On the staff, with every permission of Django's, but in one team only."""
    user = User.objects.create_user("lea", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    team.members.add(user)
    return signed_in(user)


@pytest.fixture
def form_of() -> Callable[[Connection], dict[str, Any]]:
    """What a browser would send of a connection's page, untouched."""

    def read(row: Connection) -> dict[str, Any]:
        names = (
            "name",
            "role",
            "base_url",
            "rate_per_second",
            "burst",
            "concurrency",
            "timeout_seconds",
            "settle_seconds",
            "silence_minutes",
            "fallback",
            "fallback_percent",
            "poll_seconds",
        )
        return {
            **{name: getattr(row, name) for name in names},
            "channel": row.channel_id or "",
            "settings": "{}",
            "initial-settings": "{}",  # hidden in the page, because its default is made anew
            "is_active": "on",
        }

    return read


def url_of(row: Connection, action: str = "change") -> str:
    return f"/admin/connectors/connection/{row.pk}/{action}/"
