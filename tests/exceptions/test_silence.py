"""A node that stops speaking of its stock is found, sells by the fallback, and comes back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connectors.models import CodeMapping, Connection
from exceptions.models import ExceptionCase, Expectation
from exceptions.services.expectations import meet, seed_templates
from exceptions.services.overdue import raise_overdue
from exceptions.services.silence import watch_nodes
from inventory.models import Channel, Location, Publication
from inventory.offers import silences
from inventory.services.publish import publish_stock
from inventory.telling import Mode
from tests.conftest import Stock

HALF_AN_HOUR = timedelta(minutes=30)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def watched(wms: Connection, stock: Stock, hamburg: Location) -> Connection:
    """Both nodes have stock, and the warehouse must speak every half hour."""
    seed_templates()
    Channel.objects.create(code="market", name="Market", publish_mode=Mode.CHANGE)
    stock("MUG", 10)
    stock("MUG", 6, at="HAMBURG")
    Connection.objects.filter(pk=wms.pk).update(
        silence_minutes=30, fallback="SHARE", fallback_percent=50, health_since="2020-01-01T00:00Z"
    )
    return Connection.objects.get(pk=wms.pk)


def tell(now: datetime) -> list[tuple[int, str]]:
    while publish_stock(limit=100, now=now):
        pass
    return list(Publication.objects.order_by("pk").values_list("quantity", "reason"))


def test_a_silent_node_is_found_sells_by_the_fallback_and_comes_back(
    watched: Connection, now: datetime
) -> None:
    assert watch_nodes(now=now) == (0, 0)
    watch_nodes(now=now + timedelta(minutes=1))  # the shelf was counted when it was filled
    heard = Expectation.objects.filter(met_by__startswith="BERLIN at ")
    assert heard.get().opened_at > now - timedelta(minutes=1)
    assert tell(now) == [(16, "CHANGE")]
    late = now + HALF_AN_HOUR + timedelta(minutes=2)

    assert raise_overdue(now=late) == 2
    assert watch_nodes(now=late) == (2, 0)

    assert {(s.code, s.fallback, s.percent) for s in silences()} == {
        ("BERLIN", "SHARE", 50), ("HAMBURG", "SHARE", 50),
    }  # fmt: skip
    assert all(now <= silent.since < late - HALF_AN_HOUR for silent in silences())
    assert tell(late)[1:] == [(8, "FALLBACK")]
    title = "WMS Hamburg has said nothing of its stock for 30 min"
    assert (title, "NEW") in set(ExceptionCase.objects.values_list("title", "state"))
    assert watch_nodes(now=late) == (0, 0)  # said again, it changes nothing
    assert tell(late)[2:] == []

    meet(template="node_reports", keys={"wms-berlin:BERLIN": "a count"}, now=late)
    assert watch_nodes(now=late) == (0, 1)

    assert [s.code for s in silences()] == ["HAMBURG"]
    assert tell(late)[2:] == [(13, "FALLBACK")]
    states = dict(ExceptionCase.objects.values_list("context__key", "state"))
    assert states == {"wms-berlin:BERLIN": "RESOLVED", "wms-berlin:HAMBURG": "NEW"}


def test_the_fallback_counts_also_while_the_connection_itself_is_down(
    watched: Connection, now: datetime
) -> None:
    watch_nodes(now=now)
    tell(now)
    Connection.objects.filter(pk=watched.pk).update(health="DOWN", fallback="STOP")
    late = now + HALF_AN_HOUR + timedelta(minutes=2)

    assert raise_overdue(now=late) == 0  # the connection's own case says it
    assert watch_nodes(now=late) == (2, 0)

    assert tell(late)[-1] == (0, "FALLBACK")


def test_a_node_that_is_watched_no_more_is_not_silent(watched: Connection, now: datetime) -> None:
    watch_nodes(now=now)
    late = now + HALF_AN_HOUR + timedelta(minutes=2)
    raise_overdue(now=late)
    watch_nodes(now=late)
    Connection.objects.update(silence_minutes=0)

    assert watch_nodes(now=late) == (0, 2)

    assert silences() == []
    assert not ExceptionCase.objects.exclude(state="RESOLVED").exists()


def test_watching_asks_as_much_for_two_nodes_as_for_fifty(
    watched: Connection, now: datetime
) -> None:
    asked = []
    for size in (0, 48):
        for number in range(size):
            Location.objects.create(code=f"STORE-{number}", name=f"Store {number}")
            CodeMapping.objects.create(
                connection=watched, table="LOCATION", external_code=f"{number}",
                canonical_code=f"STORE-{number}",
            )  # fmt: skip
        with CaptureQueriesContext(database) as questions:
            watch_nodes(now=now)
        asked.append(len(questions))

    assert asked[0] == asked[1]
