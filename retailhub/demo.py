"""A working estate from nothing: the sandbox connected, items, stock, teams and people."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction

from connectors.models import CodeMapping, Connection, Credential
from connectors.services.credentials import store_credential
from exceptions.models import OwnershipRule, Team
from exceptions.services.rules import apply_rules
from inventory.models import Channel, Item, Location
from inventory.services.opening import Opening, open_levels
from inventory.telling import Mode
from retailhub.kernel.roles import Role
from retailhub.sandbox import catalogue, credentials


@dataclass(frozen=True)
class Person:
    """Somebody to sign in as."""

    username: str
    password: str
    name: str
    role: Role
    does: str


# Printed at start and shown on the sign-in page; only a development database ever holds them.
PEOPLE = (
    Person("agent", "demo-agent-23", "Ana Lima", Role.AGENT, "resolves stuck orders"),
    Person("lead", "demo-lead-23", "Lea Brandt", Role.LEAD, "leads the agents, edits mappings"),
    Person("ops", "demo-ops-23", "Ben Adler", Role.OPS, "watches the whole operation"),
    Person("admin", "demo-admin-23", "Mia Roth", Role.ADMIN, "configures connections"),
)


def ports() -> dict[str, int]:
    """Where the sandbox listens: environment or its defaults."""
    return {
        "shop": int(os.environ.get("SANDBOX_SHOP_PORT", "9101")),
        "erp": int(os.environ.get("SANDBOX_ERP_PORT", "9102")),
        "wms": int(os.environ.get("SANDBOX_WMS_PORT", "9103")),
        "market": int(os.environ.get("SANDBOX_MARKET_PORT", "9104")),
    }


@transaction.atomic
def seed_demo(*, now: datetime, with_people: bool = True, shelves: int = 1) -> None:
    """Make or refresh everything the demo needs. Saying it again repairs and doubles nothing.

    With `shelves`, so many times as much lies on each as the simulated warehouse believes.
    """
    _seed_places()
    _seed_items(now, shelves)
    shop, erp, wms = _seed_connections(now)
    _seed_mappings(shop, erp, wms)
    if with_people:
        _seed_desk(shop, erp, wms, now)


def _seed_places() -> None:
    for place in catalogue.PLACES:
        Location.objects.update_or_create(
            code=place.code, defaults={"name": place.name, "priority": place.priority}
        )


def _seed_items(now: datetime, shelves: int) -> None:
    for item in catalogue.ITEMS:
        Item.objects.get_or_create(sku=item.code, defaults={"name": item.title})
    places = dict(Location.objects.values_list("code", "pk"))
    items = dict(Item.objects.values_list("sku", "pk"))
    open_levels(
        [
            Opening(
                item_id=items[item.code],
                location_id=places[place.code],
                quantity=catalogue.opening_stock(item, place.code) * shelves,
                effect_key=f"opening:{place.code}:{item.code}",
            )
            for item in catalogue.ITEMS
            for place in catalogue.PLACES
        ],
        now=now,
    )


# code, name, how it hears of stock
_CHANNELS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("shopify-de", "Shopify DE", {"publish_mode": Mode.CHANGE, "publish_by_node": True}),
    ("amazon-de", "Amazon DE", {"publish_mode": Mode.THRESHOLD}),
    ("webshop", "Own web shop", {}),
)
# slug, name, system, role, which sandbox port, policy
_CONNECTIONS: tuple[tuple[str, str, str, str, str, dict[str, Any]], ...] = (
    (
        "shopify-de",
        "Shopify DE",
        "shopify",
        Connection.Role.SHOP,
        "shop",
        {
            "settings": {
                "shop_domain": credentials.SHOP_DOMAIN,
                "api_version": credentials.SHOP_API_VERSION,
            },
            "poll_seconds": 60,
            "rate_per_second": 20,
            "burst": 40,
        },
    ),
    (
        "netsuite",
        "NetSuite",
        "netsuite",
        Connection.Role.ERP,
        "erp",
        {
            "settings": {"account": credentials.ERP_ACCOUNT, "customer_id": "1001"},
            "rate_per_second": 20,
        },
    ),
    (
        "wms-berlin",
        "WMS Berlin",
        "warehouse",
        Connection.Role.WAREHOUSE,
        "wms",
        {"rate_per_second": 30, "burst": 30, "silence_minutes": 60},
    ),
    (
        "amazon-de",
        "Amazon DE",
        "amazon",
        Connection.Role.SHOP,
        "market",
        {
            "settings": {
                "seller_id": credentials.MARKET_SELLER_ID,
                "marketplace_id": credentials.MARKET_ID,
                "token_url": "/auth/o2/token",
                "feed_poll_seconds": 2,
            },
            "rate_per_second": 10,
            "burst": 20,
        },
    ),
)


def _seed_connections(now: datetime) -> tuple[Connection, Connection, Connection]:
    at = ports()
    channels = {
        code: Channel.objects.get_or_create(code=code, defaults={"name": name, **hears})[0]
        for code, name, hears in _CHANNELS
    }
    shop, erp, wms, market = (
        _connect(
            slug,
            name,
            system,
            role,
            at[place],
            channel=channels.get(slug),
            settle_seconds=10,
            **policy,
        )
        for slug, name, system, role, place, policy in _CONNECTIONS
    )
    custom, _ = Connection.objects.get_or_create(
        slug="webshop",
        defaults={
            "name": "Own web shop",
            "system": "custom",
            "role": Connection.Role.SHOP,
            "channel": channels["webshop"],
        },
    )
    _seed_credentials(now, shop, erp, wms, custom, market)
    return shop, erp, wms


def _seed_credentials(now: datetime, *connections: Connection) -> None:
    shop, erp, wms, custom, market = connections
    secrets = (
        (shop, "access_token", credentials.SHOP_ACCESS_TOKEN),
        (shop, "webhook_secret", credentials.SHOP_WEBHOOK_SECRET),
        (erp, "client_id", credentials.ERP_CLIENT_ID),
        (erp, "client_secret", credentials.ERP_CLIENT_SECRET),
        (wms, "api_key", credentials.WMS_API_KEY),
        (wms, "webhook_secret", credentials.WMS_WEBHOOK_SECRET),
        (market, "client_id", credentials.MARKET_CLIENT_ID),
        (market, "client_secret", credentials.MARKET_CLIENT_SECRET),
        (market, "refresh_token", credentials.MARKET_REFRESH_TOKEN),
        (custom, "webhook_secret", "whsec_ZGVtby1jdXN0b20tc2hvcC1zZWNyZXQtMDEyMzQ1Njc="),
    )
    for connection, name, secret in secrets:
        if not Credential.objects.filter(connection=connection, name=name).exists():
            store_credential(connection_id=connection.pk, name=name, secret=secret, now=now)


def _connect(
    slug: str, name: str, system: str, role: str, port: int, **policy: object
) -> Connection:
    address = f"http://127.0.0.1:{port}"
    row, is_new = Connection.objects.get_or_create(
        slug=slug,
        defaults={"name": name, "system": system, "role": role, "base_url": address, **policy},
    )
    if not is_new and row.base_url != address:
        # The ports of this start, not of the last one.
        row.base_url = address
        row.save()
    return row


def _seed_mappings(shop: Connection, erp: Connection, wms: Connection) -> None:
    table = CodeMapping.Table
    both, outward = CodeMapping.Direction.BOTH, CodeMapping.Direction.OUTWARD
    rows = [(shop, table.LOCATION, str(p.shop_location_id), p.code, both) for p in catalogue.PLACES]
    rows += [(erp, table.LOCATION, p.erp_location_id, p.code, outward) for p in catalogue.PLACES]
    rows += [(wms, table.LOCATION, p.code, p.code, both) for p in catalogue.PLACES]
    rows += [
        (wms, table.SHIPPING_METHOD, theirs, ours, outward)
        for theirs, ours in (
            ("STANDARD", "standard"),
            ("EXPRESS", "express"),
            ("STANDARD", "international"),
        )
    ]
    for connection, name, external_code, canonical_code, direction in rows:
        CodeMapping.objects.get_or_create(
            connection=connection,
            table=name,
            canonical_code=canonical_code,
            defaults={"external_code": external_code, "direction": direction},
        )


def _seed_desk(shop: Connection, erp: Connection, wms: Connection, now: datetime) -> None:
    groups = {role: Group.objects.get_or_create(name=role.value)[0] for role in Role}
    people = {}
    for person in PEOPLE:
        user, _ = get_user_model().objects.get_or_create(
            username=person.username,
            defaults={
                "password": make_password(person.password),
                "first_name": person.name.split()[0],
                "last_name": person.name.split()[1],
                "is_staff": person.role == Role.ADMIN,
                "is_superuser": person.role == Role.ADMIN,
            },
        )
        user.groups.set([groups[person.role]])
        people[person.username] = user
    orders, _ = Team.objects.get_or_create(slug="orders", defaults={"name": "Order desk"})
    finance, _ = Team.objects.get_or_create(slug="finance", defaults={"name": "Finance"})
    orders.connections.set(
        [shop, erp, wms, *Connection.objects.filter(slug__in=["webshop", "amazon-de"])]
    )
    finance.connections.set([erp])
    orders.members.set([people["agent"], people["lead"]])
    finance.members.set([people["lead"]])
    if not OwnershipRule.objects.exists():
        OwnershipRule.objects.create(position=10, team=orders)
        OwnershipRule.objects.create(position=20, connection=erp, team=finance)
        OwnershipRule.objects.create(
            position=30, connection=erp, code_prefix="connectors.mapping_missing", team=orders
        )
        apply_rules(actor_id=None, now=now)
