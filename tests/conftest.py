"""Three people, four connections, a shelf and an order: what most tests begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection as database
from django.utils import timezone
from hypothesis import settings as hypothesis_settings

from connectors.models import CodeMapping, Connection
from connectors.services import breaker
from exceptions.models import OwnershipRule, Team
from exceptions.services.rules import apply_rules
from inventory.models import Channel, Item, Location, StockLevel, StockSignal
from inventory.services.count import record_count
from orders.canonical import CanonicalLine, CanonicalOrder, LineKind
from orders.models import Order
from orders.services.accept import Arrival, accept_orders
from orders.services.allocate import allocate_due_orders
from orders.services.reserve import reserve_due_orders
from retailhub.kernel.roles import Role
from retailhub.kernel.trace import new_trace_id
from tests.emptying import emptying_row_by_row

ONE_DAY = timedelta(days=1)

# A rule is right or wrong however long an example takes on a busy machine.
hypothesis_settings.register_profile("any machine", deadline=None)
hypothesis_settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _forget_outcomes() -> Iterator[None]:
    """What one test made a breaker count must not open the next one's."""
    breaker._recent.clear()
    yield
    breaker._recent.clear()


@pytest.fixture(scope="session", autouse=True)
def _tests_may_empty_tables() -> Iterator[None]:
    """Tests that commit empty every table afterwards, which guarded tables refuse to everybody."""
    with emptying_row_by_row():
        yield


@pytest.fixture
def now() -> datetime:
    return timezone.now()


# --- Places and things -------------------------------------------------------------------------


@pytest.fixture
def berlin(db: None) -> Location:
    return Location.objects.create(code="BERLIN", name="WMS Berlin", priority=1)


@pytest.fixture
def hamburg(db: None) -> Location:
    return Location.objects.create(code="HAMBURG", name="WMS Hamburg", priority=2)


class Stock(Protocol):
    def __call__(self, sku: str, quantity: int, at: str = "BERLIN") -> StockLevel: ...


@pytest.fixture
def stock(berlin: Location, now: datetime) -> Stock:
    """Put so many of an item on the shelf, as if they had been counted yesterday."""

    def put(sku: str, quantity: int, at: str = "BERLIN") -> StockLevel:
        item, _ = Item.objects.get_or_create(sku=sku, defaults={"name": f"A {sku.lower()}"})
        place, _ = Location.objects.get_or_create(code=at, defaults={"name": at, "priority": 9})
        record_count(
            item_id=item.pk,
            location_id=place.pk,
            quantity=quantity,
            counted_at=now - ONE_DAY,
            effect_key=f"opening:{at}:{sku}",
        )
        return StockLevel.objects.get(item=item, location=place)

    return put


Change = Callable[[str, int], None]


@pytest.fixture
def change(stock: Stock) -> Change:
    def to(sku: str, quantity: int) -> None:
        level = stock(sku, 1)
        StockLevel.objects.filter(pk=level.pk).update(on_hand=quantity)
        StockSignal.objects.create(item_id=level.item_id)

    return to


# --- Systems -----------------------------------------------------------------------------------


def connect(slug: str, name: str, system: str, role: str, **more: Any) -> Connection:
    """A connection that is never slowed down by its own rate."""
    policy = {"rate_per_second": 10_000, "burst": 10_000, "concurrency": 16, **more}
    return Connection.objects.create(slug=slug, name=name, system=system, role=role, **policy)


@pytest.fixture
def channel(db: None) -> Channel:
    return Channel.objects.create(code="shopify-de", name="Shopify DE")


@pytest.fixture
def shop(channel: Channel) -> Connection:
    return connect("shopify-de", "Shopify DE", "shopify", "SHOP", channel=channel)


@pytest.fixture
def erp(db: None) -> Connection:
    settings = {"account": "DEMO", "customer_id": "1001"}
    return connect("netsuite", "NetSuite", "netsuite", "ERP", settings=settings)


@pytest.fixture
def wms(db: None) -> Connection:
    row = connect("wms-berlin", "WMS Berlin", "warehouse", "WAREHOUSE")
    for code in ("BERLIN", "HAMBURG"):
        CodeMapping.objects.create(
            connection=row, table="LOCATION", external_code=code, canonical_code=code
        )
    return row


@pytest.fixture
def webshop(db: None) -> Connection:
    web = Channel.objects.create(code="webshop", name="Own web shop")
    return connect("webshop", "Own web shop", "custom", "SHOP", channel=web)


# --- People ------------------------------------------------------------------------------------


def person(username: str, name: str, role: Role) -> User:
    user = User.objects.create(username=username, first_name=name, email=f"{username}@example.com")
    user.groups.add(Group.objects.get_or_create(name=role.value)[0])
    return user


@pytest.fixture
def ana(db: None) -> User:
    """An agent of the team Orders."""
    return person("ana", "Ana", Role.AGENT)


@pytest.fixture
def ben(db: None) -> User:
    """An agent of another team, Finance."""
    return person("ben", "Ben", Role.AGENT)


@pytest.fixture
def mia(db: None) -> User:
    """An admin: sees everything."""
    return person("mia", "Mia", Role.ADMIN)


@pytest.fixture
def orders_team(ana: User, shop: Connection, wms: Connection) -> Team:
    """Ana's team: looks after shop and warehouse, and after all that nobody else takes."""
    team = Team.objects.create(slug="orders", name="Orders")
    team.members.add(ana)
    team.connections.set([shop, wms])
    OwnershipRule.objects.create(position=10, team=team)
    apply_rules(actor_id=None, now=timezone.now())
    return team


@pytest.fixture
def finance_team(ben: User, erp: Connection) -> Team:
    """Ben's team: looks after the ERP."""
    team = Team.objects.create(slug="finance", name="Finance")
    team.members.add(ben)
    team.connections.set([erp])
    OwnershipRule.objects.create(position=20, connection=erp, team=team)
    apply_rules(actor_id=None, now=timezone.now())
    return team


# --- Orders ------------------------------------------------------------------------------------


def line(sku: str = "MUG", quantity: int = 1, number: str = "1", **more: Any) -> CanonicalLine:
    fields: dict[str, Any] = {
        "external_id": number,
        "sku": sku,
        "title": sku.title(),
        "kind": LineKind.GOODS,
        "quantity": quantity,
        "unit_price": Decimal("10.00"),
    }
    return CanonicalLine(**{**fields, **more})


def canonical(external_id: str, *lines: CanonicalLine, **more: Any) -> CanonicalOrder:
    """A paid order of one mug, unless said otherwise."""
    lines = lines or (line(),)
    placed = more.pop("placed_at", timezone.now() - timedelta(hours=1))
    fields: dict[str, Any] = {
        "external_id": external_id,
        "number": f"#{external_id}",
        "placed_at": placed,
        "version": placed,
        "currency": "EUR",
        "total": sum((one.total for one in lines), Decimal(0)),
        "lines": lines,
        "financial_status": "PAID",
    }
    return CanonicalOrder(**{**fields, **more})


class Accept(Protocol):
    def __call__(self, said: CanonicalOrder) -> Order: ...


@pytest.fixture
def accept(channel: Channel) -> Accept:
    """Bring one snapshot on record and give back its order."""

    def bring(said: CanonicalOrder) -> Order:
        skus = {one.sku for one in said.lines}
        items = dict(Item.objects.filter(sku__in=skus).values_list("sku", "pk"))
        arrival = Arrival(
            channel_id=channel.pk, order=said, item_ids=items, trace_id=new_trace_id()
        )
        accept_orders([arrival], now=timezone.now())
        return Order.objects.get(channel=channel, external_id=said.external_id)

    return bring


class PlaceOrder(Protocol):
    def __call__(self, external_id: str = "1001", *lines: CanonicalLine, **more: Any) -> Order: ...


@pytest.fixture
def place(accept: Accept, shop: Connection, erp: Connection, wms: Connection) -> PlaceOrder:
    """An order taken as far as it goes without anybody outside: normally ALLOCATED."""

    def take(external_id: str = "1001", *lines: CanonicalLine, **more: Any) -> Order:
        order = accept(canonical(external_id, *lines, **more))
        advance()
        order.refresh_from_db()
        return order

    return take


def advance() -> None:
    """Take every due order through its own steps."""
    reserve_due_orders(limit=100, now=timezone.now())
    allocate_due_orders(limit=100, now=timezone.now())


# --- Time --------------------------------------------------------------------------------------

_QUEUES = ("connectors_inboundmessage", "connectors_outboundmessage")


def _set_back(time: str, of: str) -> None:
    """Let a time of the rows that are waiting, or held, have come a second ago."""
    with database.cursor() as cursor:
        for table in _QUEUES:
            cursor.execute(f"UPDATE {table} SET {time} = now() - interval '1 second' WHERE {of}")


@pytest.fixture
def time_passes(db: None) -> Callable[[], None]:
    """Everything that waits for its time is due now."""
    return lambda: _set_back("next_attempt_at", "next_attempt_at < now() + interval '1 year'")


@pytest.fixture
def leases_expire(db: None) -> Callable[[], None]:
    """Every worker that holds something has vanished."""
    return lambda: _set_back("lease_until", "lease_until IS NOT NULL")
