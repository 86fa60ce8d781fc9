"""A try shows what would happen and leaves nothing behind: no row, no ring, no hint, no call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from connectors import drains
from connectors.models import Connection, InboundMessage, OutboundMessage
from connectors.registry import SINKS
from connectors.services.codes import save_mapping
from connectors.services.dry_run import dry_run
from exceptions.models import Team
from orders.models import Order
from retailhub.kernel.errors import RetryLater
from tests.browser.world import order_arrives
from tests.conftest import PlaceOrder, Stock, advance
from tests.racing import at_once


def fingerprint() -> dict[str, Any]:
    """Every row of every table, as the database sums it up."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            table = model._meta.db_table
            cursor.execute(f'SELECT count(*), md5(string_agg(t::text, \'|\' ORDER BY t::text))'
                           f' FROM "{table}" t')  # fmt: skip
            found[table] = cursor.fetchone()
    return found


def keys() -> dict[bytes, bytes]:
    """Everything in Redis, as bytes."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    return {key: client.dump(key) or b"" for key in client.scan_iter()}


@pytest.fixture
def drain_inbox(time_passes: Callable[[], None]) -> Callable[[], None]:
    """Everything that came in is taken."""

    def take() -> None:
        time_passes()
        drains.drain_inbox()

    return take


@pytest.fixture
def sold(
    webshop: Connection,
    erp: Connection,
    wms: Connection,
    orders_team: Team,
    stock: Stock,
    drain_inbox: Callable[[], None],
) -> InboundMessage:
    """An order that waits for a mapping, of a mug that is on the shelf."""
    stock("MUG", 5)
    order_arrives(webshop, "W-1", "MUG-XMAS")
    drain_inbox()
    return InboundMessage.objects.get(state="PARKED")


def with_sku(message: InboundMessage, sku: str) -> bytes:
    body = json.loads(bytes(message.body))
    body["lines"][0]["sku"] = sku
    return json.dumps(body).encode()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_left_behind(sold: InboundMessage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for system in list(SINKS):
        monkeypatch.setitem(SINKS, system, None)
    monkeypatch.setattr(
        "retailhub.kernel.work.ring", lambda task, *_, **__: asked.append(task.name)
    )
    monkeypatch.setattr("retailhub.hints.ring", lambda *_: asked.append("hint"))
    rows, held = fingerprint(), keys()

    found = dry_run(message_id=sold.pk, body=with_sku(sold, "MUG"), now=timezone.now())

    assert (found.error, found.is_new, found.order) == (None, True, "W-1")
    assert fingerprint() == rows
    assert keys().items() <= held.items()  # what ends by itself meanwhile is no trace
    assert asked == []


def test_shows_the_new_order_and_every_call_that_would_follow(sold: InboundMessage) -> None:
    found = dry_run(message_id=sold.pk, body=with_sku(sold, "MUG"), now=timezone.now())

    assert [(one.connection, one.effect_key) for one in found.owed] == [
        ("NetSuite", "order.post:webshop-W-1"),
        ("WMS Berlin", f"fulfillment.release:{found.owed[1].payload['reference']}"),
    ]
    assert found.owed[0].payload["lines"][0]["sku"] == "MUG"
    made = {one.where: one.after for one in found.changes}
    assert (made["W-1.state"], made["W-1.total"]) == ("ALLOCATED", "14.9000")
    assert made["W-1.ship_to"]["city"] == "Berlin"
    assert not Order.objects.exists()
    assert not OutboundMessage.objects.exists()


def test_says_why_it_would_stop_again(sold: InboundMessage) -> None:
    found = dry_run(message_id=sold.pk, now=timezone.now())

    assert found.error is not None
    assert found.error.code == "connectors.mapping_missing"
    assert found.owed == []


def test_reads_with_the_mappings_of_now(sold: InboundMessage, webshop: Connection) -> None:
    with transaction.atomic():
        save_mapping(connection_id=webshop.pk, table="SKU", external_code="MUG-XMAS",
                     canonical_code="MUG")  # fmt: skip
        found = dry_run(message_id=sold.pk, now=timezone.now())
        transaction.set_rollback(True)
    assert found.error is None


def test_shows_what_would_change_of_an_order_that_is_there(
    sold: InboundMessage, webshop: Connection, drain_inbox: Any
) -> None:
    sold.edited_body = with_sku(sold, "MUG")
    InboundMessage.objects.filter(pk=sold.pk).update(edited_body=sold.edited_body)
    order_arrives(webshop, "W-2", "MUG")
    drain_inbox()
    advance()
    second = InboundMessage.objects.get(key="evt-W-2")
    body = json.loads(bytes(second.body))
    body["updated_at"] = timezone.now().isoformat()
    body["ship_to"]["city"] = "Bremen"

    found = dry_run(message_id=second.pk, body=json.dumps(body).encode(), now=timezone.now())

    assert not found.is_new
    assert [(one.where, one.before, one.after) for one in found.changes] == [
        ("W-2.ship_to.city", "Berlin", "Bremen")
    ]


@pytest.mark.django_db(transaction=True)
def test_gives_up_rather_than_hold_up_live_work(
    place: PlaceOrder, stock: Stock, sold: InboundMessage, webshop: Connection, drain_inbox: Any
) -> None:
    order_arrives(webshop, "W-2", "MUG")
    drain_inbox()
    second = InboundMessage.objects.get(key="evt-W-2")
    body = json.loads(bytes(second.body))
    body["updated_at"] = timezone.now().isoformat()

    def hold(run: Callable[[], Any]) -> Any:
        with transaction.atomic():
            Order.objects.select_for_update().get(external_id="W-2")
            (end,) = at_once([run])
            return end

    end = hold(lambda: dry_run(message_id=second.pk, body=json.dumps(body).encode(),
                               now=timezone.now()))  # fmt: skip
    assert isinstance(end, RetryLater)
