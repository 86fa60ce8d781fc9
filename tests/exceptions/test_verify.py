"""Resolved is a claim: what is cured is verified, and what is not comes back with the evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.lifecycle import InboundState, OutboundState
from connectors.models import Attempt, CodeMapping, Connection, InboundMessage, OutboundMessage
from connectors.registry import SINKS
from connectors.systems.base import Account, Intent, IntentKind, Receipt
from connectors.systems.http import HttpClient, RemoteUnavailable
from exceptions.lifecycle import CaseState
from exceptions.models import CaseEvent, ExceptionCase
from exceptions.playbook import PLAYBOOK
from exceptions.services import acts
from exceptions.services.proof import BY_PERSON
from exceptions.services.sweep import set_aside_what_was_decided
from exceptions.services.verify import verify_due
from exceptions.verifiers import VERIFIERS
from inventory.models import Item, Location, StockLevel
from orders.models import Order
from tests.conftest import PlaceOrder, Stock
from tests.exceptions.conftest import OpenCase
from tests.racing import at_once

Make = Callable[..., ExceptionCase]
SOON = timedelta(seconds=15)


@dataclass
class Ledger:
    """A system that is only ever read here: what it has, and whether it answers."""

    has: dict[str, str] = field(default_factory=dict)
    is_away: bool = False
    asked: list[str] = field(default_factory=list)
    kinds: frozenset[IntentKind] = frozenset(IntentKind)
    repeatable: frozenset[IntentKind] = frozenset()

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        """Nothing may be sent by a look."""
        raise AssertionError(f"{intent.effect_key} was sent")

    def look_up(self, http: HttpClient, account: Account, intent: Intent) -> Receipt | None:
        """What is there."""
        self.asked.append(intent.effect_key)
        if self.is_away:
            raise RemoteUnavailable("NetSuite did not answer.")
        found = self.has.get(intent.effect_key)
        return Receipt(external_id=found) if found else None

    def probe(self, http: HttpClient, account: Account) -> Sequence[tuple[str, str]]:
        """It answers."""
        return []


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    sink = Ledger()
    monkeypatch.setitem(SINKS, "netsuite", sink)
    return sink


def close(case: ExceptionCase, who: User, now: datetime, how: str = "by hand") -> ExceptionCase:
    acts.resolve_case(case_id=case.pk, actor_id=who.pk, reason="I did it", now=now, how=how)
    case.refresh_from_db()
    return case


def look(case: ExceptionCase, at: datetime) -> ExceptionCase:
    verify_due(now=at)
    case.refresh_from_db()
    return case


# --- Ask the system itself ---------------------------------------------------------------------


@pytest.mark.parametrize("state", ["DEAD", "MANUAL"])
def test_what_is_there_after_all_is_verified_and_counts_as_sent(
    stopped_effect: Make, ledger: Ledger, ana: User, now: datetime, state: str
) -> None:
    case = close(stopped_effect(state=state), ana, now)
    assert (case.state, case.proof) == ("RESOLVED", "UNVERIFIED")
    ledger.has["order.post:R1"] = "SO-7"

    look(case, now + SOON)

    effect = OutboundMessage.objects.get()
    assert (effect.state, effect.external_id) == ("SENT", "SO-7")
    assert (case.state, case.proof, case.proof_text) == (
        "RESOLVED",
        "VERIFIED",
        "NetSuite has SO-7",
    )
    assert (case.proof_at, case.proof_due_at) == (now + SOON, None)
    assert [(a.is_look_up, a.outcome) for a in Attempt.objects.all()] == [(True, "FOUND")]
    assert verify_due(now=now + timedelta(days=9)) == 0


def test_what_is_not_there_comes_back_to_its_owner_with_the_evidence_and_its_clock(
    stopped_effect: Make, ledger: Ledger, ana: User, now: datetime
) -> None:
    case = stopped_effect()
    ExceptionCase.objects.update(order_number="SH-1042")
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)
    due_at = close(case, ana, now).due_at

    look(case, now + SOON)

    clock = f"{timezone.localtime(now + SOON):%H:%M}"
    said = f"Reopened: NetSuite still has no order SH-1042, looked {clock}"
    newest = CaseEvent.objects.latest("pk")
    assert (newest.verb, newest.actor, newest.text) == ("not cured", None, said)
    assert (newest.before["state"], newest.after["state"]) == ("RESOLVED", "CLAIMED")
    assert (case.state, case.owner, case.due_at) == ("CLAIMED", ana, due_at)
    assert (case.closed_at, case.resolution, case.proof) == (None, "", "NOT_CURED")
    assert OutboundMessage.objects.get().state == "DEAD"
    assert [a.outcome for a in Attempt.objects.all()] == ["ABSENT"]
    assert set_aside_what_was_decided(now=now + timedelta(days=1)) == 0


def test_of_ten_that_were_closed_the_three_that_are_not_cured_come_back(
    stopped_effect: Make, ledger: Ledger, ana: User, now: datetime
) -> None:
    cases = [close(stopped_effect(f"R{n}"), ana, now) for n in range(10)]
    ledger.has = {f"order.post:R{n}": f"SO-{n}" for n in range(7)}

    assert verify_due(now=now + SOON) == 10

    states = [(one.state, one.proof) for one in ExceptionCase.objects.order_by("pk")]
    assert states == [("RESOLVED", "VERIFIED")] * 7 + [("NEW", "NOT_CURED")] * 3
    said = CaseEvent.objects.filter(verb="not cured").order_by("case_id")
    assert [line.case_id for line in said] == [case.pk for case in cases[7:]]
    assert all("NetSuite still has no order.post:R" in line.text for line in said)


def test_a_system_that_does_not_answer_is_asked_again_ever_less_often_and_once_for_all_of_them(
    stopped_effect: Make, ledger: Ledger, ana: User, now: datetime
) -> None:
    case = close(stopped_effect("R1"), ana, now)
    close(stopped_effect("R2"), ana, now)
    ledger.is_away = True

    look(case, now + SOON)

    assert ledger.asked == ["order.post:R1"]
    assert (case.state, case.proof) == ("RESOLVED", "UNVERIFIED")
    assert "NetSuite could not be asked" in case.proof_text
    waits = []
    for _ in range(12):
        at = case.proof_due_at
        assert at is not None
        look(case, at)
        if case.proof_due_at is not None:
            waits.append(case.proof_due_at - at)
    assert waits == sorted(waits)
    assert waits[-1] <= timedelta(hours=1)
    # An unproved effect is not dropped meanwhile, and after a day it is left at Ana's word.
    assert set_aside_what_was_decided(now=now + timedelta(hours=23)) == 0
    look(case, now + timedelta(days=1, minutes=1))
    assert (case.state, case.proof) == ("RESOLVED", "WORD")
    assert set_aside_what_was_decided(now=now + timedelta(days=1, minutes=2)) >= 1


def test_a_paused_system_is_not_called(
    stopped_effect: Make, ledger: Ledger, erp: Connection, ana: User, now: datetime
) -> None:
    case = close(stopped_effect(), ana, now)
    Connection.objects.filter(pk=erp.pk).update(outbound_paused_at=now, pause_reason="Night")

    look(case, now + SOON)

    assert (case.proof, ledger.asked) == ("UNVERIFIED", [])


# --- What the records say ----------------------------------------------------------------------


def test_a_message_that_still_waits_brings_its_case_back(
    stopped_message: Make, ana: User, now: datetime
) -> None:
    case = look(close(stopped_message(), ana, now), now + SOON)

    assert (case.state, case.proof) == ("NEW", "NOT_CURED")
    assert case.proof_text == "Its message still waits: The order lacks id"


def test_an_order_that_came_in_by_a_newer_message_is_proof(
    stopped_message: Make, place: PlaceOrder, stock: Stock, shop: Connection, ana: User,
    now: datetime,
) -> None:  # fmt: skip
    stock("MUG", 5)
    case = stopped_message()
    ExceptionCase.objects.filter(pk=case.pk).update(order_number="#1001")
    order = place("1001")
    Order.objects.filter(pk=order.pk).update(version_at=now + timedelta(minutes=1))

    look(close(case, ana, now, "in source"), now + SOON)

    assert (case.state, case.proof) == ("RESOLVED", "VERIFIED")
    assert case.proof_text == "Order #1001 came in by a newer message"


def test_a_mapping_that_nobody_saved_is_not_cured(
    stopped_message: Make, shop: Connection, ana: User, now: datetime
) -> None:
    context = {"table": "SKU", "external_code": "MUG-XMAS"}
    case = stopped_message(
        error_code="connectors.mapping_missing", error_context=context, state="PARKED"
    )

    look(close(case, ana, now), now + SOON)

    assert (case.state, case.proof) == ("NEW", "NOT_CURED")
    assert case.proof_text == "“MUG-XMAS” is still not mapped for Shopify DE"


def test_a_saved_mapping_whose_message_went_through_is_cured(
    stopped_message: Make, shop: Connection, ana: User, now: datetime
) -> None:
    context = {"table": "SKU", "external_code": "MUG-XMAS"}
    case = stopped_message(
        error_code="connectors.mapping_missing", error_context=context, state="PARKED"
    )
    close(case, ana, now)
    CodeMapping.objects.create(
        connection=shop, table="SKU", external_code="MUG-XMAS", canonical_code="MUG"
    )
    for state in ("PROCESSING", "PROCESSED"):
        InboundMessage.objects.update(state=state)

    look(case, now + SOON)

    assert (case.state, case.proof) == ("RESOLVED", "VERIFIED")


def test_an_order_that_is_still_held_is_not_cured_and_a_cancelled_one_is(
    place: PlaceOrder, stock: Stock, ana: User, now: datetime
) -> None:
    stock("MUG", 0)
    place("1001")
    case = close(ExceptionCase.objects.get(), ana, now)

    look(case, now + SOON)
    assert (case.state, case.proof) == ("NEW", "NOT_CURED")
    assert case.proof_text.startswith("Order #1001 is still held: ")

    close(case, ana, now + SOON)
    Order.objects.update(state="CANCELLED", held_for="")
    look(case, now + 2 * SOON)
    assert (case.state, case.proof) == ("RESOLVED", "VERIFIED")
    assert case.proof_text == "Order #1001 is cancelled"


def test_a_shelf_that_is_still_overdrawn_comes_back(
    problem: OpenCase, stock: Stock, ana: User, now: datetime
) -> None:
    level = stock("MUG", 1)
    StockLevel.objects.filter(pk=level.pk).update(reserved=3)
    context = {"level_id": level.pk, "what": "2 × MUG"}
    case = close(problem("inventory.overdrawn", context=context), ana, now)

    look(case, now + SOON)

    assert (case.state, case.proof_text) == ("NEW", "Still 1 are there and 3 are promised")


def test_a_connection_that_is_still_down_is_not_cured(
    problem: OpenCase, shop: Connection, ana: User, now: datetime
) -> None:
    Connection.objects.update(health="DOWN", health_detail="Nothing answers.")
    case = close(problem(), ana, now)

    look(case, now + SOON)

    assert (case.state, case.proof) == ("NEW", "NOT_CURED")
    assert case.proof_text == "Shopify DE is still down: Nothing answers"


def test_what_only_a_person_can_know_is_said_to_be_so(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = look(close(problem("privacy.requested"), ana, now), now + SOON)

    assert (case.state, case.proof) == ("RESOLVED", "WORD")
    assert case.proof_text == "Nothing on record could show it"


@pytest.mark.parametrize("how", ["other way", "not needed"])
def test_what_was_closed_as_it_is_is_not_looked_at(
    problem: OpenCase, ana: User, now: datetime, how: str
) -> None:
    case = close(problem(), ana, now, how)
    assert (case.proof, case.proof_due_at) == ("WORD", None)
    other = problem("connectors.unexpected")
    acts.ignore_case(case_id=other.pk, actor_id=ana.pk, reason="a test of theirs", now=now)
    other.refresh_from_db()
    assert (other.proof, other.proof_due_at) == ("WORD", None)
    assert verify_due(now=now + timedelta(days=1)) == 0


def test_the_tab_of_what_is_closed_counts_as_resolved_what_was_seen_to_be_cured(
    problem: OpenCase, ana: User, mia: User, now: datetime, client: Client
) -> None:
    for number in range(3):
        case = problem(f"connectors.unexpected{number}")
        close(case, ana, now, "not needed" if number else "by hand")
    ExceptionCase.objects.filter(proof="UNVERIFIED").update(proof="VERIFIED", proof_due_at=None)
    client.force_login(mia)

    html = client.get("/queue/?view=resolved").content.decode()

    assert "3 exceptions · 1 resolved, verified" in html
    assert "verified" not in client.get("/queue/?view=open").content.decode()


def test_every_verifier_is_of_a_code_that_there_is() -> None:
    assert set(VERIFIERS) <= set(PLAYBOOK)


# --- Taking back, newer cases, other workers ---------------------------------------------------


def test_what_was_opened_again_by_hand_is_not_looked_at(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = close(problem(), ana, now)
    acts.undo_act(event_id=case.events.get(verb="resolve").pk, actor_id=ana.pk, now=now)
    case.refresh_from_db()

    assert (case.proof, case.proof_due_at) == ("", None)
    assert verify_due(now=now + timedelta(days=1)) == 0


def test_one_with_a_newer_case_about_the_same_stays_closed_and_says_so(
    stopped_message: Make, ana: User, now: datetime
) -> None:
    case = close(stopped_message(), ana, now)
    newer = ExceptionCase.objects.get(pk=case.pk)
    newer.pk, newer.state, newer.closed_at = None, "NEW", None
    newer.proof, newer.proof_due_at = "", None
    newer.save()

    look(case, now + SOON)

    assert (case.state, case.proof) == ("RESOLVED", "NOT_CURED")
    assert case.proof_text == "It stopped again: a newer case about it is open"
    assert ExceptionCase.objects.filter(state="NEW").count() == 1


def test_one_that_was_opened_while_its_cure_was_on_its_way_closes_by_itself(
    problem: OpenCase, shop: Connection, ana: User, now: datetime
) -> None:
    Connection.objects.update(health="DOWN")
    case = look(close(problem(), ana, now), now + SOON)
    assert case.state == "NEW"
    Connection.objects.update(health="HEALTHY")

    look(case, now + SOON + timedelta(minutes=1))

    assert (case.state, case.resolution, case.proof) == ("RESOLVED", "by itself", "VERIFIED")


@pytest.mark.django_db(transaction=True)
def test_two_workers_look_once_and_open_it_once(
    stopped_effect: Make, ledger: Ledger, ana: User, now: datetime
) -> None:
    case = close(stopped_effect(), ana, now)

    ends = at_once([partial(verify_due, now=now + SOON)] * 3)

    case.refresh_from_db()
    assert sorted(str(end) for end in ends) == ["0", "0", "1"]
    assert ledger.asked == ["order.post:R1"]
    assert case.events.filter(verb="not cured").count() == 1


# --- Nothing that is cured is ever opened ------------------------------------------------------

_DONE_IN = {InboundState.PROCESSED, InboundState.SUPERSEDED}
_DONE_OUT = {OutboundState.SENT, OutboundState.SUPERSEDED}


@pytest.mark.django_db(transaction=True)
@given(
    world=st.tuples(
        st.sampled_from(list(InboundState)),
        st.sampled_from(list(OutboundState)),
        st.booleans(),
        st.sampled_from(list(BY_PERSON)),
    )
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_that_is_cured_is_ever_opened_again(
    stopped_message: Make, stopped_effect: Make, ledger: Ledger, ana: User, now: datetime,
    world: tuple[InboundState, OutboundState, bool, str],
) -> None:  # fmt: skip
    inbound, outbound, is_there, how = world
    number = ExceptionCase.objects.count()
    message, effect = stopped_message(f"k{number}"), stopped_effect(f"R{number}")
    close(message, ana, now, how)
    close(effect, ana, now, how)
    with database.cursor() as cursor:  # wherever it may have come to, by whatever way
        cursor.execute("SET session_replication_role = replica")
    InboundMessage.objects.filter(cases=message).update(state=inbound)
    OutboundMessage.objects.filter(cases=effect).update(state=outbound)
    with database.cursor() as cursor:
        cursor.execute("SET session_replication_role = DEFAULT")
    ledger.has = {f"order.post:R{number}": "SO"} if is_there else {}

    verify_due(now=now + SOON)

    message.refresh_from_db()
    effect.refresh_from_db()
    is_cured = outbound in _DONE_OUT or (is_there and outbound in {"DEAD", "MANUAL"})
    if inbound in _DONE_IN or how in {"other way", "not needed"}:
        assert message.state == CaseState.RESOLVED
    if is_cured or how in {"other way", "not needed"}:
        assert effect.state == CaseState.RESOLVED
    if how in {"by hand", "in source"} and outbound == "DEAD" and not is_there:
        assert (effect.state, effect.proof) == ("NEW", "NOT_CURED")


def test_a_look_at_many_asks_as_often_as_a_look_at_few_but_for_what_it_writes(
    problem: OpenCase, stock: Stock, ana: User, now: datetime, berlin: Location
) -> None:
    def looks(numbers: range) -> int:
        for n in numbers:
            level = stock(f"S{n}", 5)
            context = {"level_id": level.pk, "what": f"S{n}"}
            case = problem("inventory.overdrawn", context=context, subject={"level_id": level.pk})
            close(case, ana, now)
        with CaptureQueriesContext(database) as queries:
            assert verify_due(now=now + SOON) == len(numbers)
        return sum("inventory_stocklevel" in query["sql"] for query in queries)

    assert looks(range(2)) == looks(range(2, 14)) == 1
    assert Item.objects.count() == 14
