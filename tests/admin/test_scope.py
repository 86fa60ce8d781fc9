"""A member of one team sees that team's rows: in lists, pages, filters, choices and by hand."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from connectors.models import ApiKey, CodeMapping, Connection, InboundMessage, OutboundMessage
from exceptions.models import Cause, ExceptionCase, Team
from inventory.models import Item
from orders.models import Order
from tests.admin.conftest import url_of

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def _message(connection: Connection) -> InboundMessage:
    return InboundMessage.objects.create(
        connection=connection,
        topic="t",
        key=f"key-{connection.slug}",
        lane="l",
        body=b"{}",
        body_sha256=b"0" * 32,
        trace_id=uuid.uuid4(),
    )


def _effect(connection: Connection) -> OutboundMessage:
    return OutboundMessage.objects.create(
        connection=connection,
        kind="order.post",
        effect_key=f"effect-{connection.slug}",
        lane="l",
        reference=f"ref-{connection.slug}",
        criticality="P0",
        payload={},
        trace_id=uuid.uuid4(),
        deadline_at=NOW,
    )


def _case(connection: Connection) -> ExceptionCase:
    cause = Cause.objects.create(
        fingerprint=uuid.uuid4().hex, code="x", title="x", first_seen_at=NOW, last_seen_at=NOW
    )
    return ExceptionCase.objects.create(
        cause=cause,
        code="x",
        title=f"case of {connection.slug}",
        severity=2,
        connection=connection,
        state="NEW",
        opened_at=NOW,
        due_at=NOW,
    )


def _mapping(connection: Connection) -> CodeMapping:
    return CodeMapping.objects.create(
        connection=connection,
        table="TAX_CODE",
        external_code=f"code-{connection.slug}",
        canonical_code="STD",
    )


def _key(connection: Connection) -> ApiKey:
    return ApiKey.objects.create(
        connection=connection,
        name=f"key of {connection.slug}",
        prefix=connection.slug[:12],
        digest="0" * 64,
    )


MAKERS: dict[str, Callable[[Connection], Any]] = {
    "connectors/connection": lambda connection: connection,
    "connectors/codemapping": _mapping,
    "connectors/apikey": _key,
    "connectors/inboundmessage": _message,
    "connectors/outboundmessage": _effect,
    "exceptions/exceptioncase": _case,
}
EACH = pytest.mark.parametrize(("page", "make"), MAKERS.items(), ids=MAKERS)


@EACH
def test_lists_and_opens_only_the_teams_own(
    member: Client,
    erp: Connection,
    shop: Connection,
    page: str,
    make: Callable[[Connection], Any],
) -> None:
    mine, foreign = make(erp), make(shop)

    listed = member.get(f"/admin/{page}/").content.decode()
    opened = [member.get(f"/admin/{page}/{row.pk}/change/").status_code for row in (mine, foreign)]

    assert f"/admin/{page}/{mine.pk}/change/" in listed
    assert f"/admin/{page}/{foreign.pk}/change/" not in listed
    assert "Shopify-De" not in listed  # nor among the choices of a filter
    assert opened == [200, 302]


@EACH
def test_admins_see_everything(
    admin: Client,
    erp: Connection,
    shop: Connection,
    page: str,
    make: Callable[[Connection], Any],
) -> None:
    rows = make(erp), make(shop)

    listed = admin.get(f"/admin/{page}/").content.decode()

    assert all(f"/admin/{page}/{row.pk}/change/" in listed for row in rows)


@pytest.mark.parametrize("action", ["change", "test", "history"])
def test_acts_on_no_foreign_connection(member: Client, shop: Connection, action: str) -> None:
    answer = member.post(url_of(shop, action), {"name": "taken over"})

    shop.refresh_from_db()
    assert answer.status_code in {302, 404}
    assert shop.name == "Shopify-De"


def test_history_of_a_foreign_connection_is_not_there(
    member: Client, shop: Connection, erp: Connection
) -> None:
    version = shop.history.earliest().pk

    assert member.get(url_of(shop, "history")).status_code == 404
    assert member.get(f"{url_of(shop, 'history')}{version}/").status_code == 404
    assert member.get(url_of(erp, "history")).status_code == 200


def test_pauses_no_foreign_connection(member: Client, shop: Connection, erp: Connection) -> None:
    both = f"/admin/connectors/connection/pause/?id={shop.pk}&id={erp.pk}"

    member.post(both, {"inbound": "on", "outbound": "on", "reason": "x"})

    shop.refresh_from_db()
    erp.refresh_from_db()
    assert (shop.is_paused, erp.is_paused) == (False, True)
    alone = f"/admin/connectors/connection/pause/?id={shop.pk}"
    assert member.get(alone).status_code == 404


def test_completes_only_names_of_the_teams_own(
    member: Client, shop: Connection, erp: Connection
) -> None:
    query = {"app_label": "connectors", "model_name": "codemapping", "field_name": "connection"}

    found = json.loads(member.get("/admin/autocomplete/", query).content)["results"]

    assert [row["text"] for row in found] == ["Netsuite"]


def test_a_foreign_connection_can_not_be_sent_by_hand(
    member: Client, shop: Connection, erp: Connection
) -> None:
    row = {"table": "TAX_CODE", "external_code": "19", "canonical_code": "STD", "direction": "BOTH"}

    member.post("/admin/connectors/codemapping/add/", {**row, "connection": shop.pk})
    assert not CodeMapping.objects.exists()

    member.post("/admin/connectors/codemapping/add/", {**row, "connection": erp.pk})
    assert CodeMapping.objects.get().connection == erp


def test_sees_no_orders_of_foreign_channels(
    member: Client, admin: Client, shop: Connection
) -> None:
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
    )

    assert "#1001" not in member.get("/admin/orders/order/").content.decode()
    assert member.get(f"/admin/orders/order/{order.pk}/change/").status_code == 302
    assert "#1001" in admin.get("/admin/orders/order/").content.decode()


def test_people_teams_and_rules_are_for_admins(member: Client, team: Team) -> None:
    for page in ("auth/user", "exceptions/team", "exceptions/ownershiprule"):
        assert member.get(f"/admin/{page}/").status_code == 403
    answer = member.post(f"/admin/exceptions/team/{team.pk}/change/", {"name": "x"})
    assert answer.status_code == 403
    assert member.get("/admin/exceptions/team/add/").status_code == 403


def test_a_mapping_leads_to_something_we_have(admin: Client, erp: Connection) -> None:
    row = {
        "connection": erp.pk,
        "table": "SKU",
        "external_code": "X",
        "canonical_code": "MUG",
        "direction": "BOTH",
    }

    refused = admin.post("/admin/connectors/codemapping/add/", row)
    Item.objects.create(sku="MUG")
    admin.post("/admin/connectors/codemapping/add/", row)

    assert "There is no item MUG." in refused.content.decode()
    assert CodeMapping.objects.get().canonical_code == "MUG"
