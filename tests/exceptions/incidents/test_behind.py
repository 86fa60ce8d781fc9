"""What not answering causes stands behind the incident: one row, not ten thousand."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from connectors.models import Connection
from connectors.services import breaker
from exceptions.held import held_by
from exceptions.models import ExceptionCase
from exceptions.selectors import cases_in, counts
from exceptions.services import acts
from retailhub.kernel.rows import insert_rows
from tests.exceptions.conftest import OpenCase, Stopped
from tests.exceptions.incidents.conftest import Make
from tests.exceptions.incidents.outages import exhausted, falls, owe


def test_what_not_answering_causes_is_behind_the_incident_and_stands(
    erp: Connection, problem: OpenCase, ana: User, mia: User, now: datetime
) -> None:
    of_erp = {"connection_id": erp.pk, "connection_name": "NetSuite"}
    before = problem("connectors.remote_unavailable", **of_erp)
    unmapped = problem("connectors.mapping_missing", **of_erp)
    elsewhere = problem("connectors.remote_unavailable")
    incident = falls(erp)
    during = problem("connectors.exhausted", subject={"n": 2}, context={"n": 2}, **of_erp)

    children = incident.children.order_by("pk")
    assert list(children) == [before, during]
    assert {case.pause_reason for case in children} == {"CONNECTION"}
    shown = cases_in("open", user=mia, now=now)
    assert set(shown) == {incident, unmapped, elsewhere}
    assert set(cases_in("parked", user=mia, now=now)) == {before, during}
    numbers_shown = counts(user=mia, now=now)
    assert (numbers_shown["open"], numbers_shown["parked"]) == (3, 2)


def test_closing_the_incident_by_hand_hides_nothing(
    erp: Connection, problem: OpenCase, mia: User, now: datetime
) -> None:
    child = problem("connectors.exhausted", connection_id=erp.pk)
    incident = falls(erp)

    acts.resolve_case(case_id=incident.pk, actor_id=mia.pk, reason="They said so", now=now)

    assert set(cases_in("open", user=mia, now=now)) == {child}


def test_what_an_old_incident_left_open_hangs_on_the_new_one(
    erp: Connection, problem: OpenCase, mia: User, now: datetime
) -> None:
    child = problem("connectors.exhausted", connection_id=erp.pk)
    old = falls(erp)
    acts.resolve_case(case_id=old.pk, actor_id=mia.pk, reason="They said so", now=now)
    long_ago = timezone.now() - timedelta(hours=1)
    ExceptionCase.objects.filter(pk=old.pk).update(closed_at=long_ago)

    breaker.extend(Connection.objects.get(pk=erp.pk), "No answer.", now=timezone.now())

    child.refresh_from_db()
    incident = ExceptionCase.objects.filter(code="connectors.connection_down").latest("pk")
    assert (child.parent, incident.pk > old.pk) == (incident, True)


def test_all_behind_an_incident_can_be_selected_and_planned(
    client: Client, erp: Connection, stopped_effect: Stopped, problem: OpenCase, mia: User
) -> None:
    exhausted(stopped_effect, "A", "B")
    problem("connectors.exhausted")  # of another connection
    incident = falls(erp)
    client.force_login(mia)

    queue = client.post(f"/replays/select/all/?view=parked&incident={incident.pk}", follow=True)

    assert "All 2 that match are selected" in queue.content.decode()
    plan = client.get(queue.context["scope"]["plan_url"]).content.decode()
    assert "Replay 2 exceptions to NetSuite" in plan


def test_ten_thousand_failures_are_one_row(
    client: Client,
    erp: Connection,
    problem: OpenCase,
    mia: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    one = problem("connectors.exhausted", connection_id=erp.pk, value=Decimal(9), currency="EUR")
    fields = {
        field.attname: getattr(one, field.attname)
        for field in ExceptionCase._meta.concrete_fields
        if field.attname not in {"id", "created_at", "updated_at"}
    }
    copies = [ExceptionCase(**fields) for _ in range(9_999)]
    insert_rows(copies, needs_ids=False)
    client.force_login(mia)

    incident = falls(erp)

    assert incident.children.filter(pause_reason="CONNECTION").count() == 10_000
    with django_assert_max_num_queries(25):
        page = client.get("/queue/").content.decode()
    assert page.count('<tr id="case-') == 1
    assert f'id="case-{incident.pk}"' in page
    pane = client.get(f"/queue/{incident.pk}/").content.decode()
    assert "10000 exceptions hung on it: 10000 waiting." in pane


def test_counts_orders_customers_and_money_once_each(
    erp: Connection, order: Make, problem: OpenCase
) -> None:
    orders = [
        order("1", "7"),
        order("2", "7"),
        order("3", "8", currency="PLN", total=Decimal("99.90")),
        order("4"),
    ]
    owe(erp, orders[:3])
    problem("connectors.exhausted", connection_id=erp.pk, order_id=orders[0].pk)
    problem("connectors.outcome_unknown", connection_id=erp.pk, order_id=orders[3].pk)

    incident = falls(erp)

    assert held_by([incident])[incident.pk].text == (
        "4 orders · 3 customers · 31.50 EUR · 99.90 PLN wait"
    )


def test_pages_say_what_is_down_since_when_and_what_a_replay_does(
    client: Client, erp: Connection, order: Make, stopped_effect: Stopped, mia: User
) -> None:
    case = stopped_effect("R9", state="MANUAL")
    owe(erp, [order("1", "7")])
    incident = falls(erp)
    since = f"NetSuite is down since {timezone.localtime(incident.opened_at):%H:%M}."
    banner = f"{since} Replays wait and start when it is back."
    client.force_login(mia)

    queue = client.get("/queue/").content.decode()
    pane = client.get(f"/queue/{case.pk}/").content.decode()
    own = client.get(f"/queue/{incident.pk}/").content.decode()

    assert banner in queue
    assert "1 order · 1 customer · 10.50 EUR wait" in queue
    assert banner in pane
    assert "Queue replay" in pane
    assert banner not in own
    assert "1 order · 1 customer · 10.50 EUR" in own


def test_who_may_not_see_the_connection_is_not_told(
    client: Client, erp: Connection, ana: User, orders_team: object, finance_team: object
) -> None:
    incident = falls(erp)
    client.force_login(ana)
    assert "NetSuite" not in client.get("/queue/").content.decode()
    assert client.get(f"/queue/{incident.pk}/").status_code == 404
