"""A connection goes down: one incident, not ten thousand, and it drains by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from connectors.drains import drain_outbox
from connectors.models import Connection, OutboundMessage
from connectors.registry import SINKS
from connectors.services import breaker
from connectors.services.enqueue import Effect, enqueue_effects
from connectors.systems.base import Account, Intent, IntentKind, Receipt
from connectors.systems.http import HttpClient, RemoteRejected
from exceptions.held import held_by, tally_of
from exceptions.lifecycle import CaseState
from exceptions.models import CaseEvent, ExceptionCase, ReplayRun
from exceptions.selectors import cases_in, counts
from exceptions.services import acts
from exceptions.services.incidents import STEADY, settle_incidents
from orders.models import Customer, Order
from retailhub.kernel.rows import insert_rows
from retailhub.kernel.trace import new_trace_id
from tests.browser.world import FakeSink
from tests.exceptions.conftest import OpenCase
from tests.exceptions.runs import Clock, ends, numbers
from tests.racing import at_once

Stopped = Callable[..., ExceptionCase]
SECOND = timedelta(seconds=1)


class Erp(FakeSink):
    """Says no to what it is told to refuse."""

    refuses: frozenset[str] = frozenset()

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        if intent.effect_key in self.refuses:
            raise RemoteRejected("No such item.", status=400, answer="No such item.")
        return super().send(http, account, intent)


@pytest.fixture
def netsuite(monkeypatch: pytest.MonkeyPatch) -> Erp:
    sink = Erp()
    monkeypatch.setitem(SINKS, "netsuite", sink)
    monkeypatch.setattr("exceptions.services.drive_run.SLICE_SECONDS", 600.0)
    monkeypatch.setattr("exceptions.services.drive_run.REST", 0.0)
    return sink


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Of replay runs; connections fall and come back by it too."""
    made = Clock()
    monkeypatch.setattr("exceptions.subscribers.timezone.now", lambda: made.now)
    return made


def falls(connection: Connection) -> ExceptionCase:
    """The breaker opens."""
    breaker.extend(Connection.objects.get(pk=connection.pk), "No answer.", now=timezone.now())
    return incident_of(connection)


def answers(connection: Connection) -> ExceptionCase:
    """A look at it works."""
    breaker.note_success(Connection.objects.get(pk=connection.pk), now=timezone.now())
    return incident_of(connection)


def incident_of(connection: Connection) -> ExceptionCase:
    return ExceptionCase.objects.get(connection=connection, code="connectors.connection_down")


def owe(connection: Connection, orders: Sequence[Order]) -> list[OutboundMessage]:
    effects = [
        Effect(
            connection_id=connection.pk,
            kind=IntentKind.POST_ORDER,
            reference=order.reference,
            lane=f"order:{order.reference}",
            payload={},
            trace_id=new_trace_id(),
            order_id=order.pk,
        )
        for order in orders
    ]
    enqueue_effects(effects, now=timezone.now())
    return list(OutboundMessage.objects.filter(connection=connection).order_by("pk"))


@pytest.fixture
def order(shop: Connection) -> Callable[..., Order]:
    """An order on record, of a customer by number."""

    assert shop.channel is not None
    channel = shop.channel

    def make(number: str, customer: str = "", **more: Any) -> Order:
        whose = None
        if customer:
            whose, _ = Customer.objects.get_or_create(channel=channel, external_id=customer)
        facts = {"currency": "EUR", "total": Decimal("10.50"), "state": "ALLOCATED", **more}
        return Order.objects.create(
            channel=channel,
            external_id=number,
            reference=f"shopify-de:{number}",
            number=f"#{number}",
            customer=whose,
            trace_id=new_trace_id(),
            placed_at=timezone.now(),
            version_at=timezone.now(),
            accepted_at=timezone.now(),
            **facts,
        )

    return make


Make = Callable[..., Order]


# --- One ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_breaker_that_opens_in_many_workers_at_once_makes_one_incident(erp: Connection) -> None:
    ends_of = at_once([lambda: falls(erp).pk] * 6)

    assert len(set(ends_of)) == 1
    incident = incident_of(erp)
    assert (incident.state, incident.title) == ("NEW", "NetSuite is down")
    assert list(incident.events.values_list("verb", flat=True)) == ["opened"]


def test_the_database_knows_no_two_incidents_of_a_connection(
    erp: Connection, problem: OpenCase
) -> None:
    falls(erp)
    case = problem("connectors.rejected", connection_id=erp.pk)

    with pytest.raises(IntegrityError, match="one_open_incident_per_connection"):
        ExceptionCase.objects.filter(pk=case.pk).update(code="connectors.credentials_rejected")


def test_a_rejected_sign_in_is_the_same_incident_with_other_words(erp: Connection) -> None:
    first = falls(erp)

    breaker.note_sign_in_needed(erp, "invalid_grant", now=timezone.now())

    incident = ExceptionCase.objects.get()
    assert (incident.pk, incident.code) == (first.pk, "connectors.credentials_rejected")
    assert incident.title == "NetSuite rejected our sign-in"


def test_a_connection_that_flaps_has_one_incident_that_says_so(
    erp: Connection, stopped_effect: Stopped
) -> None:
    first = falls(erp)
    assert answers(erp).state == CaseState.RESOLVED  # nothing waited for it
    again = falls(erp)
    assert (again.pk, again.state, again.closed_at) == (first.pk, "NEW", None)
    assert again.context == {"falls": 2}
    answers(erp)
    long_ago = timezone.now() - timedelta(minutes=16)
    ExceptionCase.objects.filter(pk=first.pk).update(closed_at=long_ago)

    breaker.extend(Connection.objects.get(pk=erp.pk), "No answer.", now=timezone.now())

    both = ExceptionCase.objects.order_by("pk")
    assert [case.state for case in both] == ["RESOLVED", "NEW"]
    assert list(first.events.order_by("pk").values_list("verb", flat=True)) == [
        *("opened", "back", "resolved"),
        *("down", "back", "resolved"),
    ]


def test_a_breaker_that_stays_open_says_nothing_new(erp: Connection) -> None:
    before = falls(erp)
    after = falls(erp)
    assert (after.version, after.events.count()) == (before.version, 1)


# --- Its children ------------------------------------------------------------------------------


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


# --- How it ends -------------------------------------------------------------------------------


def exhausted(stopped_effect: Stopped, *references: str) -> list[ExceptionCase]:
    """Effects that were given up because the system did not answer."""
    cases = [stopped_effect(reference) for reference in references]
    ids = [case.pk for case in cases]
    ExceptionCase.objects.filter(pk__in=ids).update(code="connectors.exhausted")
    return cases


def test_drains_by_itself_and_closes_with_numbers_that_add_up(
    netsuite: Erp,
    erp: Connection,
    order: Make,
    stopped_effect: Stopped,
    clock: Clock,
    time_passes: Callable[[], None],
) -> None:
    given_up = exhausted(stopped_effect, "A", "B", "C")
    falls(erp)
    owed = owe(erp, [order(str(n)) for n in range(5)])[3:]
    OutboundMessage.objects.filter(pk=owed[-1].pk).update(state="CANCELLED")
    no_more = [given_up[2].outbound, owed[3]]
    netsuite.refuses = frozenset(row.effect_key for row in no_more if row)

    incident = answers(erp)
    assert incident.state == CaseState.NEW
    assert incident.events.latest("pk").text == (
        "4 effects that waited go out by themselves, in order."
    )
    clock.now += STEADY - SECOND
    settle_incidents(now=clock.now)
    assert not ReplayRun.objects.exists()  # it may be down again in a moment
    clock.now += SECOND
    settle_incidents(now=clock.now)
    settle_incidents(now=clock.now)

    run = ReplayRun.objects.get()
    assert (run.incident, run.started_by) == (incident, None)
    time_passes()
    while drain_outbox():
        pass
    clock.until(lambda: ends(run))
    assert numbers(run) == {"DONE": 2, "FAILED": 1}
    settle_incidents(now=clock.now)

    incident.refresh_from_db()
    assert (incident.state, incident.resolution) == ("RESOLVED", "by itself")
    assert incident.events.latest("pk").text == (
        "4 effects waited: 3 sent, 1 stopped."
        " 3 exceptions hung on it: 2 solved, 1 stopped for another reason."
    )
    still = ExceptionCase.objects.filter(state="NEW")
    assert set(still.values_list("code", flat=True)) == {"connectors.rejected"}
    assert not CaseEvent.objects.filter(case=incident, actor__isnull=False).exists()


def test_each_child_is_taken_again_once_for_each_time_the_system_is_back(
    netsuite: Erp, erp: Connection, stopped_effect: Stopped, clock: Clock
) -> None:
    exhausted(stopped_effect, "A")
    falls(erp)
    answers(erp)
    clock.now += STEADY
    settle_incidents(now=clock.now)
    run = ReplayRun.objects.get()
    falls(erp)
    incident = answers(erp)
    clock.now += STEADY
    settle_incidents(now=clock.now)

    assert list(incident.runs.all()) == [run]  # it still has the case in hand
    assert incident.state == CaseState.NEW
    assert tally_of(incident).children_waiting == 1


def test_waits_no_longer_for_effects_that_have_reasons_of_their_own(
    erp: Connection, order: Make
) -> None:
    owe(erp, [order("1")])
    falls(erp)
    answers(erp)
    assert settle_incidents(now=timezone.now() + timedelta(minutes=29)) == 0

    assert settle_incidents(now=timezone.now() + timedelta(minutes=31)) == 1

    assert incident_of(erp).events.latest("pk").text == "1 effect waited: 1 still to go out."
