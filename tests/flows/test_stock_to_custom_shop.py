"""Stock changes, and a custom shop at its own address shows it: over real HTTP, with faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from connectors.models import Connection, OutboundMessage
from connectors.services.credentials import store_credential
from connectors.services.read_back import read_back
from exceptions.models import ExceptionCase
from inventory.models import Channel, ChannelOffer, Publication
from tests.conftest import Change
from tests.connectors.door import WEB_SECRET
from tests.connectors.systems.custom.shop import CustomShop, serving
from tests.flows.telling import tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def remote_shop(webshop: Connection) -> Iterator[CustomShop]:
    """The web shop, told of every change at its address."""
    now = timezone.now()
    Channel.objects.update(publish_mode="CHANGE")
    store_credential(connection_id=webshop.pk, name="webhook_secret", secret=WEB_SECRET, now=now)
    store_credential(connection_id=webshop.pk, name="api_token", secret="a-token", now=now)
    with serving(CustomShop(WEB_SECRET, token="a-token")) as shop:
        Connection.objects.filter(pk=webshop.pk).update(base_url=shop.url)
        yield shop


def shown(shop: CustomShop) -> dict[str, int]:
    return {sku: entry["quantity"] for sku, entry in shop.shows.items()}


def test_a_change_reaches_the_shop_and_is_seen_there(
    remote_shop: CustomShop, change: Change
) -> None:
    change("MUG", 7)
    tell()
    later = timezone.now() + timedelta(hours=1)

    assert read_back(now=later) == 1

    offer = ChannelOffer.objects.get()
    assert shown(remote_shop) == {"MUG": 7}
    assert (offer.published_quantity, offer.observed_quantity, offer.drift_since) == (7, 7, None)
    assert not ExceptionCase.objects.exists()


def test_one_entry_refused_is_one_case_and_the_others_are_told(
    remote_shop: CustomShop, change: Change
) -> None:
    remote_shop.unsold = {"PLATE": "not sold here"}
    change("MUG", 7)
    change("PLATE", 3)

    tell()

    assert shown(remote_shop) == {"MUG": 7}
    assert "not sold here" in ExceptionCase.objects.get().detail
    states = Publication.objects.order_by("item__sku").values_list("item__sku", "state")
    assert list(states) == [("MUG", "SENT"), ("PLATE", "FAILED")]


@pytest.mark.parametrize(("status", "after"), [(429, False), (503, False), (503, True)])
def test_whatever_happens_on_the_way_the_shop_is_told_once_under_one_key(
    remote_shop: CustomShop,
    change: Change,
    time_passes: Callable[[], None],
    status: int,
    after: bool,
) -> None:
    remote_shop.will(status, after=after)
    change("MUG", 7)

    tell()
    time_passes()
    tell()

    message = OutboundMessage.objects.get()
    assert remote_shop.heard == [("PUT", message.effect_key)] * 2
    assert (len(remote_shop.applied), shown(remote_shop)) == (1, {"MUG": 7})
    assert (message.state, ChannelOffer.objects.get().published_quantity) == ("SENT", 7)


def test_a_shop_without_an_address_is_owed_nothing_and_asked_nothing(
    remote_shop: CustomShop, webshop: Connection, change: Change
) -> None:
    Connection.objects.filter(pk=webshop.pk).update(base_url="")
    change("MUG", 7)

    tell()

    assert not OutboundMessage.objects.exists()
    assert read_back(now=timezone.now() + timedelta(hours=1)) == 0
    assert remote_shop.heard == []
