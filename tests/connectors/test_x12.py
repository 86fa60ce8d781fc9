"""An interchange knocks as bytes that are no JSON, and moves levels."""

from __future__ import annotations

import pytest
from django.utils import timezone

from connectors.models import CodeMapping, Connection, InboundMessage
from connectors.services.codes import save_mapping
from connectors.services.credentials import store_credential
from connectors.services.process import process_batch
from inventory.models import ItemUnit
from tests.conftest import Stock, connect
from tests.connectors.door import WEB_SECRET, custom, knock
from tests.connectors.systems.x12.interchanges import interchange
from tests.inventory.levels import on_hand

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def partner(db: None) -> Connection:
    row = connect("webshop", "Supplier's gateway", "x12", "WAREHOUSE")
    store_credential(
        connection_id=row.pk, name="webhook_secret", secret=WEB_SECRET, now=timezone.now()
    )
    return row


def process() -> None:
    while process_batch(limit=10, now=timezone.now()):
        pass


def test_an_advice_reaches_the_levels_in_our_units(partner: Connection, stock: Stock) -> None:
    mugs, trays = stock("MUG", 1), stock("TRAY", 1)
    ItemUnit.objects.create(item_id=mugs.item_id, unit="case", factor=6)
    save_mapping(
        connection_id=partner.pk,
        table=CodeMapping.Table.UNIT,
        external_code="EA",
        canonical_code="case",
    )

    told = timezone.now().strftime("%Y%m%d*%H%M").encode()
    body = interchange(after="\n").replace(b"20261120*0930", told)

    answers = knock(custom(body, key="k1"))
    process()

    assert [answer.status_code for answer in answers] == [200]
    row = InboundMessage.objects.get()
    assert (row.topic, row.state, row.error_detail) == ("846", "PROCESSED", "")
    assert (on_hand(mugs), on_hand(trays)) == (54, 4)


def test_sent_again_under_its_control_numbers_it_is_the_same(
    partner: Connection, stock: Stock
) -> None:
    knock(custom(interchange(), key="k1"))
    knock(custom(interchange(), key="k2"))

    assert InboundMessage.objects.count() == 1


def test_a_broken_interchange_is_kept_for_a_person(partner: Connection, stock: Stock) -> None:
    mugs = stock("MUG", 1)

    knock(custom(interchange().replace(b"SE*9", b"SE*8"), key="k1"))
    process()

    row = InboundMessage.objects.get()
    assert (row.state, row.error_code) == ("DEAD", "connectors.invalid_body")
    assert row.error_detail.startswith("SE01 of set 0001 says '8' segments but there are 9")
    assert on_hand(mugs) == 1
