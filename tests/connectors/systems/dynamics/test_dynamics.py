"""Business Central is asked over real HTTP: whose stock moved, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.systems.addresses import AddressGuard
from connectors.systems.base import Account, MappingFailed, PolledMessage, SignatureInvalid
from connectors.systems.dynamics.adapter import Dynamics
from connectors.systems.dynamics.mapping import COUNT_TOPIC
from connectors.systems.http import (
    CredentialsRejected,
    HttpClient,
    RemoteRejected,
    RemoteThrottled,
)
from inventory.canonical import CanonicalStockCount
from retailhub.kernel.json import read_json
from tests.connectors.systems.dynamics.central import SECRET, Central, item, serving

SINCE = datetime(2026, 11, 20, 9, tzinfo=UTC)
LATER = "2026-11-20T09:30:00Z"


@pytest.fixture
def central() -> Iterator[Central]:
    with serving(Central()) as running:
        yield running


@pytest.fixture
def http(central: Central) -> Iterator[HttpClient]:
    allowed = frozenset({central.origin.removeprefix("http://")})
    client = HttpClient(central.base_url, timeout=5.0, guard=AddressGuard(allowed))
    yield client
    client.close()


def account(central: Central, secret: str = SECRET) -> Account:
    return Account(
        slug="bc",
        base_url=central.base_url,
        secrets={"client_id": "app-1", "client_secret": secret},
        settings={
            "company_id": "c-1",
            "location": "MAIN",
            "token_url": f"{central.origin}/t-1/oauth2/v2.0/token",
        },
    )


def poll_all(http: HttpClient, asked: Account) -> list[PolledMessage]:
    found: list[PolledMessage] = []
    cursor = ""
    for _ in range(20):
        page = Dynamics().poll(http, asked, cursor, SINCE)
        found += page.messages
        cursor = page.cursor
        if not page.has_more:
            return found
    raise AssertionError("it never ends")


def facts(message: PolledMessage) -> list[Any]:
    return list(Dynamics().read(message.envelope.topic, read_json(message.body)).facts)


def test_reads_what_sold_although_its_item_was_not_modified(
    central: Central, http: HttpClient
) -> None:
    central.items = [item("MUG", 4.5), item("CUP", 9), item("O'NEIL", 2), item("TRAY", 1)]
    numbers = ["MUG", "MUG", "O'NEIL", "MUG"]
    central.entries = [{"itemNumber": n, "lastModifiedDateTime": LATER} for n in numbers]
    central.items[3]["lastModifiedDateTime"] = LATER

    found = [fact for message in poll_all(http, account(central)) for fact in facts(message)]

    assert {(c.sku, c.quantity, c.location, c.unit) for c in found} == {
        ("MUG", Decimal("4.5"), "MAIN", "PCS"),
        ("O'NEIL", 2, "MAIN", "PCS"),
        ("TRAY", 1, "MAIN", "PCS"),
    }
    assert all(abs(datetime.now(UTC) - c.counted_at) < timedelta(minutes=1) for c in found)
    ledger, its_items = "itemLedgerEntries", "items"
    assert central.asked == [ledger, its_items, ledger, its_items, its_items]


def test_one_token_serves_many_calls_and_is_renewed_when_it_ends_early(
    central: Central, http: HttpClient
) -> None:
    poll_all(http, account(central))
    poll_all(http, account(central))
    assert [form["grant_type"] for form in central.forms] == ["client_credentials"]

    central.tokens.clear()
    poll_all(http, account(central))

    assert len(central.forms) == 2
    assert SECRET not in repr(http) + repr(account(central))
    assert "token-2" not in repr(http)


def test_a_refused_secret_needs_a_sign_in(central: Central, http: HttpClient) -> None:
    with pytest.raises(CredentialsRejected) as caught:
        poll_all(http, account(central, "wrong"))

    assert "wrong" not in str(caught.value)


def test_asked_to_slow_down_it_waits_as_long_as_it_is_told(
    central: Central, http: HttpClient
) -> None:
    central.throttled_for = "17"

    with pytest.raises(RemoteThrottled) as caught:
        poll_all(http, account(central))

    assert caught.value.after == 17


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "http://127.0.0.1:1"])
def test_a_next_page_elsewhere_is_not_asked_for(
    central: Central, http: HttpClient, elsewhere: str
) -> None:
    central.entries = [{"itemNumber": "MUG", "lastModifiedDateTime": LATER}] * 3
    central.next_origin = elsewhere

    with pytest.raises(RemoteRejected, match="not on the connection's address"):
        poll_all(http, account(central))


def test_a_missing_setting_is_named(central: Central, http: HttpClient) -> None:
    bare = Account(slug="bc", base_url=central.base_url, secrets={}, settings={})

    with pytest.raises(RemoteRejected, match="lacks the setting company_id"):
        poll_all(http, bare)


def told(**more: Any) -> dict[str, Any]:
    return {"item": item("MUG", 4, **more), "location": "MAIN", "counted_at": LATER}


def test_an_item_is_a_count() -> None:
    reading = Dynamics().read(COUNT_TOPIC, told())

    assert reading.facts == [
        CanonicalStockCount(
            sku="MUG",
            location="MAIN",
            quantity=Decimal(4),
            counted_at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
            source_key=f"id-MUG:{LATER}",
            unit="PCS",
        )
    ]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"blocked": True}, "Item MUG is blocked."),
        ({"@removed": {"reason": "deleted"}}, "Item MUG was deleted."),
        ({"type": "Service"}, "Item MUG is not kept in stock (Service)."),
    ],
)
def test_what_is_not_sold_is_ignored_by_name(more: dict[str, Any], why: str) -> None:
    reading = Dynamics().read(COUNT_TOPIC, told(**more))

    assert (reading.facts, reading.ignored) == ((), why)


def test_a_negative_inventory_is_refused_by_name() -> None:
    with pytest.raises(MappingFailed, match=r"item\.inventory is negative \(-2\)"):
        Dynamics().read(COUNT_TOPIC, told() | {"item": item("MUG", -2)})


def test_nobody_may_knock() -> None:
    with pytest.raises(SignatureInvalid):
        Dynamics().verify({}, b"{}", ["s"], SINCE)
