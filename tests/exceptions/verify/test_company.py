"""Other people, newer cases, other workers and many cases: nothing that is cured is ever opened."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.lifecycle import InboundState, OutboundState
from connectors.models import Connection, InboundMessage, OutboundMessage
from exceptions.lifecycle import CaseState
from exceptions.models import ExceptionCase
from exceptions.services import acts
from exceptions.services.proof import BY_PERSON
from exceptions.services.verify import verify_due
from inventory.models import Item, Location
from tests.conftest import Stock
from tests.exceptions.conftest import OpenCase, Stopped
from tests.exceptions.verify.conftest import Ledger
from tests.exceptions.verify.cures import SOON, close, look
from tests.racing import at_once


def test_what_was_opened_again_by_hand_is_not_looked_at(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = close(problem(), ana, now)
    acts.undo_act(event_id=case.events.get(verb="resolve").pk, actor_id=ana.pk, now=now)
    case.refresh_from_db()

    assert (case.proof, case.proof_due_at) == ("", None)
    assert verify_due(now=now + timedelta(days=1)) == 0


def test_one_with_a_newer_case_about_the_same_stays_closed_and_says_so(
    stopped_message: Stopped, ana: User, now: datetime
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
    stopped_effect: Stopped, ledger: Ledger, ana: User, now: datetime
) -> None:
    case = close(stopped_effect(), ana, now)

    ends = at_once([partial(verify_due, now=now + SOON)] * 3)

    case.refresh_from_db()
    assert sorted(str(end) for end in ends) == ["0", "0", "1"]
    assert ledger.asked == ["order.post:R1"]
    assert case.events.filter(verb="not cured").count() == 1


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
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_that_is_cured_is_ever_opened_again(
    stopped_message: Stopped, stopped_effect: Stopped, ledger: Ledger, ana: User, now: datetime,
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
