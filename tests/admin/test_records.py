"""What happened is looked at: masked, found by its names, never edited."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin import site
from django.test import Client

from connectors.models import Connection, InboundMessage
from exceptions.models import RuleSet
from orders.models import Order

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


RECORDS = (
    "connectors/inboundmessage",
    "connectors/outboundmessage",
    "connectors/attempt",
    "exceptions/exceptioncase",
    "exceptions/caseevent",
    "orders/order",
)


PAGES = (
    *RECORDS,
    "connectors/connection",
    "connectors/apikey",
    "connectors/codemapping",
    "inventory/item",
    "inventory/location",
    "inventory/channel",
    "exceptions/team",
    "exceptions/ownershiprule",
    "auth/user",
)


def _message(connection: Connection, body: bytes, key: str = "k") -> InboundMessage:
    return InboundMessage.objects.create(
        connection=connection,
        topic="orders/create",
        key=key,
        lane="l",
        body=body,
        body_sha256=b"0" * 32,
        trace_id=uuid.uuid4(),
    )


def test_every_page_to_add_something_opens_and_shows_no_insides(admin: Client) -> None:
    answers = {}
    for model in site._registry:
        where = f"{model._meta.app_label}/{model._meta.model_name}"
        answer = admin.get(f"/admin/{where}/add/")
        answers[where] = answer.status_code
        assert " object at 0x" not in answer.content.decode(), where
    assert set(answers.values()) == {200, 403}
    assert answers["exceptions/subscription"] == 200


def test_a_version_of_the_rules_is_looked_at_and_never_edited(admin: Client) -> None:
    rules = RuleSet.objects.create(
        number=1, rules=[{"text": "Everything to Finance"}], applied_at=NOW
    )
    page = f"/admin/exceptions/ruleset/{rules.pk}/change/"
    assert "Everything to Finance" in admin.get(page).content.decode()
    assert admin.post(page, {"number": 2}).status_code == 403
    assert admin.get("/admin/exceptions/ruleset/add/").status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_opens_under_the_policy(admin: Client, page: str) -> None:
    answer = admin.get(f"/admin/{page}/?q=abc")

    assert answer.status_code == 200
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    for inline in ("<style", " style=", "onclick=", "<script>"):
        assert inline not in answer.content.decode()


@pytest.mark.parametrize("page", RECORDS)
def test_a_record_is_never_added(admin: Client, page: str) -> None:
    assert admin.get(f"/admin/{page}/add/").status_code == 403


def test_a_record_is_never_changed_or_deleted(admin: Client, shop: Connection) -> None:
    row = _message(shop, b"{}")
    page = f"/admin/connectors/inboundmessage/{row.pk}"

    assert admin.post(f"{page}/change/", {"state": "IGNORED"}).status_code == 403
    assert admin.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    row.refresh_from_db()
    assert row.state == "RECEIVED"


def test_a_body_is_shown_without_who_bought(admin: Client, shop: Connection) -> None:
    body = {"id": 4711, "email": "kim@example.org", "customer": {"name": "Kim Example"}}
    row = _message(shop, json.dumps(body).encode())
    broken = _message(shop, b'{"email": "kim@example.org"', key="k2")

    page = admin.get(f"/admin/connectors/inboundmessage/{row.pk}/change/").content.decode()
    other = admin.get(f"/admin/connectors/inboundmessage/{broken.pk}/change/").content.decode()

    assert "4711" in page
    assert "kim@" not in page + other
    assert "Example" not in page
    assert "27 bytes are kept as they came" in other


@pytest.mark.parametrize("name", ["pk", "key", "trace_id"])
def test_finds_a_message_by_any_of_its_names(admin: Client, shop: Connection, name: str) -> None:
    row, other = _message(shop, b"{}", "wanted"), _message(shop, b"{}", "other")

    page = admin.get(
        "/admin/connectors/inboundmessage/", {"q": str(getattr(row, name))}
    ).content.decode()

    assert f"/inboundmessage/{row.pk}/change/" in page
    assert f"/inboundmessage/{other.pk}/change/" not in page


@pytest.mark.parametrize("size", [1, 6])
def test_a_list_costs_the_same_however_long(
    admin: Client, shop: Connection, size: int, django_assert_num_queries: Callable[..., Any]
) -> None:
    for n in range(size):
        _message(shop, b"{}", f"k{n}")
    admin.get("/admin/connectors/inboundmessage/")

    # session, user, count, rows, connections of the filter
    with django_assert_num_queries(5):
        admin.get("/admin/connectors/inboundmessage/")


def test_an_order_is_shown_without_who_bought(admin: Client, shop: Connection) -> None:
    assert shop.channel is not None
    order = Order.objects.create(
        channel=shop.channel,
        external_id="1",
        reference="shopify-de-1",
        number="#1001",
        state="ACCEPTED",
        currency="EUR",
        placed_at=NOW,
        version_at=NOW,
        accepted_at=NOW,
        trace_id=uuid.uuid4(),
        note="ring at Kim's",
        ship_to={
            "name": "Kim Example",
            "line1": "Street 1",
            "city": "Berlin",
            "country_code": "DE",
        },
    )

    page = admin.get(f"/admin/orders/order/{order.pk}/change/").content.decode()

    assert "Berlin, DE" in page
    assert "Kim" not in page
    assert "Street 1" not in page
