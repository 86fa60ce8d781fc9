"""What happened is looked at: masked, found by its names, never edited."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from connectors.models import CodeMapping, Connection, InboundMessage
from connectors.services.process import process_batch
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope
from exceptions.models import Calendar, OwnershipRule, RuleSet, SlaPolicy, Team
from inventory.models import Item
from orders.models import Order
from retailhub.kernel.roles import Role
from tests.admin.conftest import signed_in
from tests.api.conftest import body_of

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


@pytest.mark.django_db(transaction=True)
def test_a_mapping_frees_what_waited_for_it(admin: Client, shop: Connection) -> None:
    Connection.objects.filter(pk=shop.pk).update(system="custom")
    body = json.dumps(body_of()).encode()
    envelope = Envelope(topic="order.placed", key="k", lane="order:A-1")
    receive_messages([Delivery(connection_id=shop.pk, envelope=envelope, body=body)])
    process_batch(limit=10, now=timezone.now())
    parked = InboundMessage.objects.get().state
    Item.objects.create(sku="CUP")

    row = {
        "connection": shop.pk,
        "table": "SKU",
        "external_code": "MUG",
        "canonical_code": "CUP",
        "direction": "INWARD",
    }
    admin.post("/admin/connectors/codemapping/add/", row)
    freed = InboundMessage.objects.get().state
    process_batch(limit=10, now=timezone.now())

    assert (parked, freed) == ("PARKED", "RECEIVED")
    assert InboundMessage.objects.get().state == "PROCESSED"
    history = admin.get(
        f"/admin/connectors/codemapping/{CodeMapping.objects.get().pk}/history/"
    ).content.decode()
    assert ">mia<" in history


def test_a_mappings_other_side_is_changed_in_place(admin: Client, shop: Connection) -> None:
    Item.objects.create(sku="CUP")
    row = CodeMapping.objects.create(
        connection=shop, table="SKU", external_code="MUG", canonical_code="OLD"
    )

    page = f"/admin/connectors/codemapping/{row.pk}"
    sent = {"canonical_code": "CUP", "external_code": "MUG", "direction": "BOTH"}
    admin.post(f"{page}/change/", {**sent, "table": "TAX_CODE"})

    assert [(m.pk, m.external_code, m.canonical_code) for m in CodeMapping.objects.all()] == [
        (row.pk, "MUG", "CUP")
    ]
    assert "OLD → CUP" in admin.get(f"{page}/history/").content.decode()


def test_teams_and_rules_are_tables(admin: Client, shop: Connection) -> None:
    admin.post(
        "/admin/exceptions/team/add/",
        {
            "name": "Desk",
            "slug": "desk",
            "connections": [shop.pk],
            "capacity": 20,
            **_inline("ladder", percent=80, goes="LEAD"),
        },
    )
    team = Team.objects.get()
    admin.post(
        "/admin/exceptions/ownershiprule/add/",
        {"position": 10, "team": team.pk, "code_prefix": "inventory.", "is_active": "on"},
    )

    assert list(team.connections.all()) == [shop]
    assert [str(step) for step in team.ladder.all()] == ["after 80 % → to a lead of the team"]
    assert OwnershipRule.objects.get().team == team
    assert (
        "code starts with inventory."
        in admin.get("/admin/exceptions/ownershiprule/").content.decode()
    )


def test_a_calendar_and_a_policy_are_set_with_their_history(admin: Client) -> None:
    admin.post(
        "/admin/exceptions/calendar/add/",
        {
            "name": "Office",
            "time_zone": "Europe/Berlin",
            "country": "de",
            **_inline("hours", weekday=0, opens="09:00", closes="17:00"),
            **_inline("closed_days", day="2026-12-24", name="Christmas Eve"),
        },
    )
    calendar = Calendar.objects.get()
    assert (calendar.country, calendar.hours.count(), calendar.closed_days.count()) == ("DE", 1, 1)

    sent = {"position": 10, "severity_from": 1, "resolve_minutes": 60, "calendar": calendar.pk}
    admin.post("/admin/exceptions/slapolicy/add/", {**sent, "is_active": "on"})
    policy = SlaPolicy.objects.get()
    page = f"/admin/exceptions/slapolicy/{policy.pk}"
    admin.post(f"{page}/change/", {**sent, "resolve_minutes": 30, "is_active": "on"})

    assert str(SlaPolicy.objects.get()) == "10. any code → 30 min, Office"
    assert "60 → 30" in admin.get(f"{page}/history/").content.decode()


def _inline(name: str, /, **row: object) -> dict[str, object]:
    """One new row of an inline, as a browser sends it."""
    counts = {f"{name}-TOTAL_FORMS": 1, f"{name}-INITIAL_FORMS": 0}
    return {**counts, **{f"{name}-0-{column}": value for column, value in row.items()}}


def _person(**changes: str) -> dict[str, str]:
    return {
        "username": "ana",
        "first_name": "Ana",
        "last_name": "Lima",
        "email": "",
        "is_active": "on",
        "role": "agent",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        **changes,
    }


@pytest.mark.parametrize("role", [*Role, ""])
def test_a_role_is_chosen_on_the_persons_page(admin: Client, role: str) -> None:
    secret = {"password1": "a-long-enough-one", "password2": "a-long-enough-one"}
    admin.post("/admin/auth/user/add/", {**_person(role=role), **secret, "usable_password": "true"})

    ana = User.objects.get(username="ana")
    assert [group.name for group in ana.groups.all()] == ([role] if role else [])
    assert (ana.is_staff, ana.is_superuser) == (role == Role.ADMIN, role == Role.ADMIN)
    assert signed_in(ana).get("/admin/").status_code == (200 if role == Role.ADMIN else 302)


def test_another_role_replaces_the_one_before(admin: Client) -> None:
    ana = User.objects.create_superuser("ana")
    ana.groups.add(Group.objects.create(name="admin"))
    assert "selected>Admin" in admin.get(f"/admin/auth/user/{ana.pk}/change/").content.decode()

    admin.post(f"/admin/auth/user/{ana.pk}/change/", _person(role="lead"))

    ana.refresh_from_db()
    assert [group.name for group in ana.groups.all()] == ["lead"]
    assert not ana.is_staff
    assert not ana.is_superuser


def test_nobody_takes_away_their_own_role(admin: Client) -> None:
    mia = User.objects.get(username="mia")

    answer = admin.post(f"/admin/auth/user/{mia.pk}/change/", _person(username="mia"))

    mia.refresh_from_db()
    assert "Ask another admin" in answer.content.decode()
    assert mia.is_superuser
