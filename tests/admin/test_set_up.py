"""What people may change here: mappings, teams, calendars, roles."""

import json

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from connectors.models import CodeMapping, Connection, InboundMessage
from connectors.services.process import process_batch
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope
from exceptions.models import Calendar, OwnershipRule, SlaPolicy, Team
from inventory.models import Item
from retailhub.kernel.roles import Role
from tests.admin.conftest import signed_in
from tests.api.conftest import body_of


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
