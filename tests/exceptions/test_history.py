"""What came before: the same trouble again, and what closed such cases the last times."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connectors.events import MessagesStopped
from connectors.models import Connection, InboundMessage
from connectors.services.replay import replay_inbound
from exceptions.history import earlier_of, suggestion_of
from exceptions.models import ExceptionCase
from exceptions.services import acts
from exceptions.services.cases import close_cured
from exceptions.services.replay import follow_mapping, replay_case
from orders.models import Order
from orders.services.hold import hold_order, resume_order
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.events import publish
from tests.conftest import PlaceOrder, Stock
from tests.exceptions.conftest import OpenCase, Stopped
from tests.exceptions.unmapped import missing


def closed(case: ExceptionCase, now: datetime, how: str = "by itself") -> ExceptionCase:
    close_cured(ExceptionCase.objects.filter(pk=case.pk), how=how, now=now)
    case.refresh_from_db()
    return case


# --- The same again ----------------------------------------------------------------------------


def test_the_same_trouble_of_the_same_thing_is_a_recurrence_with_its_history(
    place: PlaceOrder, stock: Stock, ana: User, now: datetime
) -> None:
    stock("MUG", 5)
    order = Order.objects.get(pk=place("1001").pk)
    error = NeedsOperator("The node can't send it.", code="orders.no_node_connection")
    hold_order(order, error, now=now)
    first = ExceptionCase.objects.get()
    acts.resolve_case(
        case_id=first.pk, actor_id=ana.pk, reason="Called them", now=now, how="other way"
    )
    resume_order(order, now=now)

    hold_order(order, error, now=now + timedelta(hours=1))

    second = ExceptionCase.objects.latest("pk")
    assert (second.recurs, second.state, second.cause) == (first, "NEW", first.cause)
    earlier = earlier_of(second)
    assert earlier is not None
    assert (earlier.case_id, earlier.by, earlier.said) == (first.pk, ana, "Called them")
    assert [one.pk for one in first.recurrences.all()] == [second.pk]


def test_the_first_of_its_kind_and_another_thing_of_the_same_cause_recur_to_nothing(
    stopped_message: Stopped, now: datetime
) -> None:
    first = closed(stopped_message("k1"), now)
    other = stopped_message("k2")

    assert (first.recurs, other.recurs) == (None, None)
    assert other.cause == first.cause


def test_a_message_that_stops_again_after_its_case_was_closed_recurs(
    stopped_message: Stopped, ana: User, now: datetime
) -> None:
    first = stopped_message("k1")
    acts.resolve_case(case_id=first.pk, actor_id=ana.pk, reason="ok", now=now, how="not needed")
    replay_inbound(message_id=first.inbound_id or 0, now=now)
    InboundMessage.objects.update(state="PROCESSING")
    InboundMessage.objects.update(state="DEAD")

    publish(MessagesStopped(message_ids=(first.inbound_id or 0,)))

    assert ExceptionCase.objects.get(state="NEW").recurs == first


def test_a_connection_that_goes_down_again_recurs_to_its_last_time(
    problem: OpenCase, now: datetime
) -> None:
    closed(problem(), now)
    second = closed(problem(), now + timedelta(minutes=1))

    assert problem().recurs == second


def test_the_pane_says_that_it_recurs_and_leads_to_the_last_time(
    problem: OpenCase, mia: User, now: datetime, client: Client
) -> None:
    first = closed(problem(), now)
    second = problem()
    client.force_login(mia)

    html = client.get(f"/queue/{second.pk}/").content.decode()

    assert "Recurring" in html
    assert f'href="/queue/{first.pk}/"' in html
    assert "It was closed before" in html


# --- What closed it before ---------------------------------------------------------------------


def test_nothing_is_suggested_before_anything_was_closed(stopped_message: Stopped) -> None:
    assert suggestion_of(missing(stopped_message, "k1")) is None


def test_eleven_of_the_last_twelve_are_counted_and_older_ones_are_not(
    stopped_message: Stopped, ana: User, now: datetime
) -> None:
    for number in range(16):
        case = missing(stopped_message, f"k{number}")
        at = now + timedelta(minutes=number)
        if number in {0, 1, 2, 9}:  # three of them too old to count
            replay_case(case_id=case.pk, actor_id=ana.pk, now=at)
        else:
            follow_mapping(case_id=case.pk, actor_id=ana.pk, text="x", now=at)
        closed(case, at)

    found = suggestion_of(missing(stopped_message, "k99"))

    assert found is not None
    assert (found.how, found.count, found.of) == ("mapping", 11, 12)
    assert found.text == "11 of the last 12 like it were closed by mapping the SKU."


def test_what_was_only_said_to_be_done_counts_for_nothing(
    stopped_message: Stopped, ana: User, now: datetime
) -> None:
    for number, how in enumerate(("by hand", "other way")):
        case = missing(stopped_message, f"k{number}")
        acts.resolve_case(case_id=case.pk, actor_id=ana.pk, reason="x", now=now, how=how)

    assert suggestion_of(missing(stopped_message, "k9")) is None


def test_a_new_cause_learns_from_others_of_its_code_there_and_forgets_them_with_its_own(
    stopped_message: Stopped, ana: User, now: datetime
) -> None:
    other = missing(stopped_message, "k1", "CUP")
    follow_mapping(case_id=other.pk, actor_id=ana.pk, text="x", now=now)
    closed(other, now)
    found = suggestion_of(missing(stopped_message, "k2"))
    assert found is not None
    assert found.text == "The last one like it was closed by mapping the SKU."

    replay_case(case_id=ExceptionCase.objects.latest("pk").pk, actor_id=ana.pk, now=now)
    closed(ExceptionCase.objects.latest("pk"), now)

    found = suggestion_of(missing(stopped_message, "k3"))
    assert found is not None
    assert (found.how, found.count, found.of) == ("replay", 1, 1)


def test_a_corrected_message_says_so(stopped_message: Stopped, ana: User, now: datetime) -> None:
    case = stopped_message("k1")
    InboundMessage.objects.update(edited_body=b"{}")
    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)
    closed(case, now)

    found = suggestion_of(stopped_message("k2"))

    assert found is not None
    assert found.text == "The last one like it was closed by correcting the message."


@pytest.mark.parametrize("many", [1, 30])
def test_it_costs_one_question_however_many_there_were(
    stopped_message: Stopped, shop: Connection, now: datetime, many: int
) -> None:
    for number in range(many):
        closed(stopped_message(f"k{number}"), now)
    case = stopped_message("k99")

    with CaptureQueriesContext(database) as queries:
        found = suggestion_of(case)

    assert len(queries) == 1
    assert found is not None
    assert found.text.endswith("went through by itself." if many == 1 else "by themselves.")
