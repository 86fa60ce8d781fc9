"""A source's word counts only where the stock is its own to tell."""

from __future__ import annotations

from datetime import datetime

from connectors.models import Connection, SystemOfRecord
from connectors.services.snapshots import run_due_snapshots, take_snapshot
from exceptions.models import ExceptionCase
from inventory.models import Location
from tests.conftest import Stock
from tests.connectors.stock_facts.conftest import Hear
from tests.connectors.stock_facts.told import counted, stamp
from tests.inventory.levels import on_hand


def test_without_a_declaration_the_warehouse_that_serves_the_node_counts(
    hear: Hear, wms: Connection, webshop: Connection, stock: Stock
) -> None:
    mugs, far = stock("MUG", 5), stock("MUG", 5, at="PARIS")

    refused = hear(webshop, "stock.counted", counted("MUG", 9))
    served = hear(webshop, "stock.counted", counted("MUG", 8, location="PARIS"))

    assert (refused.state, on_hand(mugs)) == ("IGNORED", 5)
    assert refused.error_detail == "Not applied: another connection serves BERLIN."
    assert (served.state, on_hand(far)) == ("PROCESSED", 8)
    assert not ExceptionCase.objects.exists()


def test_a_declaration_opens_one_door_and_closes_the_others(
    hear: Hear, wms: Connection, store: Connection, berlin: Location, stock: Stock
) -> None:
    mugs = stock("MUG", 5)
    row = SystemOfRecord.objects.create(location=berlin, connection=store)

    own = hear(store, "stock.counted", counted("MUG", 9))
    event = {"sku": "MUG", "warehouse": "BERLIN", "on_hand": 3}
    told = {"id": "e", "type": "stock.counted", "occurred_at": stamp(5), "data": event}
    other = hear(wms, "stock.counted", told)

    assert (own.state, other.state, on_hand(mugs)) == ("PROCESSED", "IGNORED", 9)
    assert "Store Berlin is the system of record for stock at BERLIN" in other.error_detail

    row.policy = SystemOfRecord.Policy.RAISE
    row.save()
    raised = hear(wms, "stock.counted", {**told, "id": "e2"})
    assert (raised.state, raised.error_code) == ("DEAD", "connectors.not_authoritative")
    title = "WMS Berlin wrote stock at BERLIN, which is not its own to write"
    assert ExceptionCase.objects.get().title == title
    assert on_hand(mugs) == 9
    assert [h.policy for h in row.history.all()] == ["RAISE", "REFUSE"]


def test_a_declaration_for_every_node_gives_way_to_one_for_a_node(
    hear: Hear, store: Connection, webshop: Connection, berlin: Location, stock: Stock
) -> None:
    mugs, far = stock("MUG", 5), stock("MUG", 5, at="PARIS")
    SystemOfRecord.objects.create(connection=webshop)
    SystemOfRecord.objects.create(connection=store, location=berlin)

    hear(webshop, "stock.counted", counted("MUG", 9))
    hear(webshop, "stock.counted", counted("MUG", 8, location="PARIS"))

    assert (on_hand(mugs), on_hand(far)) == (5, 8)


def test_a_file_counts_only_where_it_is_its_senders_to_tell(
    wms: Connection, store: Connection, stock: Stock, now: datetime
) -> None:
    mugs, far = stock("MUG", 5), stock("MUG", 5, at="PARIS")
    body = b"sku,location,quantity\nMUG,BERLIN,9\nMUG,PARIS,9\n"

    run = take_snapshot([body], connection=store, key="k", counted_at=now)
    run_due_snapshots(now=now)

    run.refresh_from_db()
    assert (run.changed, run.rejected) == (1, 1)
    assert run.samples[0]["why"] == "another system counts this location"
    assert (on_hand(mugs), on_hand(far)) == (5, 9)
