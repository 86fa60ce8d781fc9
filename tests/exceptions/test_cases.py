"""One case per stuck thing, grouped by cause, closed when it is cured, told when it fails again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client

from connectors.events import EffectsStopped, MessageFinished, MessagesStopped
from connectors.models import Connection, InboundMessage, OutboundMessage
from exceptions.lifecycle import CaseState
from exceptions.models import Cause, ExceptionCase, Team
from exceptions.selectors import visible_cases
from exceptions.services.cases import Problem, open_case
from inventory.models import StockLevel
from inventory.services.count import record_count
from retailhub.kernel.events import publish
from tests.conftest import PlaceOrder, Stock, line
from tests.exceptions.conftest import OpenCase, Stopped, put_in


def test_says_what_stands_still_and_until_when(stopped_message: Stopped, shop: Connection) -> None:
    case = stopped_message()

    assert (case.title, case.detail) == (
        "A message from Shopify DE can't be read",
        "The order lacks id.",
    )
    assert (case.connection, case.state, case.severity, case.version) == (shop, "NEW", 3, 1)
    assert case.due_at - case.opened_at == timedelta(minutes=120)
    assert case.events.get().verb == "opened"


def test_the_same_thing_stopping_again_is_the_same_case(stopped_message: Stopped) -> None:
    case = stopped_message()

    publish(MessagesStopped(message_ids=(case.inbound_id or 0,)))

    assert ExceptionCase.objects.get().version == case.version


def test_the_same_thing_stopping_for_another_reason_says_so(stopped_message: Stopped) -> None:
    case = stopped_message()
    InboundMessage.objects.update(error_code="connectors.unexpected", error_detail="KeyError")

    publish(MessagesStopped(message_ids=(case.inbound_id or 0,)))

    again = ExceptionCase.objects.get()
    assert (again.pk, again.code, again.detail, again.failed_again) == (
        case.pk,
        "connectors.unexpected",
        "KeyError",
        0,
    )


def test_a_replay_that_fails_is_counted_and_stays_with_its_owner(
    stopped_message: Stopped, ana: User
) -> None:
    case = put_in(stopped_message(), CaseState.REPLAYING, owner=ana)

    publish(MessagesStopped(message_ids=(case.inbound_id or 0,)))

    case.refresh_from_db()
    assert (case.state, case.owner, case.failed_again) == ("CLAIMED", ana, 1)
    assert case.events.latest("pk").verb == "failed again"


def test_the_same_news_does_not_end_a_snooze_but_other_news_does(stopped_message: Stopped) -> None:
    case = put_in(stopped_message(), CaseState.SNOOZED)

    publish(MessagesStopped(message_ids=(case.inbound_id or 0,)))
    case.refresh_from_db()
    assert case.state == "SNOOZED"

    InboundMessage.objects.update(error_detail="The order lacks lines.")
    publish(MessagesStopped(message_ids=(case.inbound_id or 0,)))
    case.refresh_from_db()
    assert case.state == "NEW"


@pytest.mark.parametrize(
    ("state", "resolution"),
    [("NEW", "by itself"), ("REPLAYING", "replay"), ("SNOOZED", "by itself")],
)
def test_closes_when_its_message_goes_through(
    stopped_message: Stopped, state: CaseState, resolution: str
) -> None:
    case = put_in(stopped_message(), state)

    publish(MessageFinished(message_ids=(case.inbound_id or 0,)))

    case.refresh_from_db()
    assert (case.state, case.resolution) == ("RESOLVED", resolution)
    assert case.closed_at is not None


def test_a_closed_case_stays_closed_and_the_next_trouble_is_a_new_one(
    stopped_message: Stopped,
) -> None:
    case = put_in(stopped_message(), CaseState.RESOLVED)

    publish(MessagesStopped(message_ids=(case.inbound_id or 0,)))

    assert ExceptionCase.objects.filter(inbound=case.inbound_id).count() == 2
    assert ExceptionCase.objects.latest("pk").state == "NEW"


def test_a_message_has_one_open_case(stopped_message: Stopped) -> None:
    twin = stopped_message()
    twin.pk = None

    with pytest.raises(IntegrityError, match="exceptions_case_one_open_per_inbound_message"):
        twin.save()


def test_an_effect_has_one_open_case(stopped_effect: Stopped) -> None:
    twin = stopped_effect()
    twin.pk = None

    with pytest.raises(IntegrityError, match="exceptions_case_one_open_per_outbound_message"):
        twin.save()


def test_a_closed_case_has_a_time(problem: OpenCase) -> None:
    case = problem()

    with pytest.raises(IntegrityError, match="exceptions_case_closed_means_a_time"):
        ExceptionCase.objects.filter(pk=case.pk).update(state="RESOLVED")


# --- Causes ------------------------------------------------------------------------------------


def test_the_same_reason_is_one_cause_whatever_the_numbers(
    stopped_message: Stopped, erp: Connection, problem: OpenCase
) -> None:
    said = [
        "Order 1001 lacks lines[0].sku.",
        "Order 1002 lacks lines[7].sku.",
        "Order 5f0c6a8e-1111-4222-8333-444455556666 lacks lines[7].sku.",
    ]
    cases = [stopped_message(f"k{n}", error_detail=detail) for n, detail in enumerate(said)]
    other = stopped_message("other", error_detail="Order 1001 has no customer.")

    assert len({case.cause_id for case in cases}) == 1
    assert other.cause_id != cases[0].cause_id


def test_a_missing_row_is_a_cause_of_its_own(stopped_message: Stopped) -> None:
    def lack(key: str, table: str, code: str) -> int:
        return stopped_message(
            key,
            error_code="connectors.mapping_missing",
            error_detail=f"{table} {code} is not mapped",
            error_context={"table": table, "external_code": code},
        ).cause_id

    causes = [
        lack("1", "SKU", "A"),
        lack("2", "SKU", "A"),
        lack("3", "SKU", "B"),
        lack("4", "LOCATION", "A"),
    ]

    assert causes[0] == causes[1]
    assert len(set(causes)) == 3


def test_the_same_words_on_another_connection_are_another_cause(
    problem: OpenCase, erp: Connection
) -> None:
    one = problem("connectors.unexpected")
    other = problem("connectors.unexpected", connection_id=erp.pk, connection_name="NetSuite")

    assert one.cause_id != other.cause_id
    assert Cause.objects.count() == 2


# --- Overdrafts --------------------------------------------------------------------------------


def test_each_shelf_with_too_little_has_its_own_case_and_closes_with_its_own_count(
    place: PlaceOrder, stock: Stock, now: datetime
) -> None:
    mugs, plates = stock("MUG", 5), stock("PLATE", 5)
    place("1001", line("MUG", 4), line("PLATE", 4, "2"))

    def count(level: StockLevel, quantity: int, minutes: int) -> None:
        record_count(
            item_id=level.item_id,
            location_id=level.location_id,
            quantity=quantity,
            counted_at=now + timedelta(minutes=minutes),
            effect_key=f"{level}:{minutes}",
        )

    count(mugs, 1, 1)
    count(plates, 2, 1)
    count(mugs, 2, 2)

    cases = ExceptionCase.objects.filter(code="inventory.overdrawn").order_by("pk")
    assert [case.context["what"] for case in cases] == [
        "2 × MUG at WMS Berlin",
        "2 × PLATE at WMS Berlin",
    ]

    count(mugs, 4, 3)

    assert [case.state for case in cases.all()] == ["RESOLVED", "NEW"]


# --- Who sees what -----------------------------------------------------------------------------


def test_ben_cannot_see_what_belongs_to_anas_team(  # noqa: PLR0917 - people, teams, cases
    client: Client,
    stopped_message: Stopped,
    stopped_effect: Stopped,
    orders_team: Team,
    finance_team: Team,
    ana: User,
    ben: User,
    mia: User,
) -> None:
    of_shop, of_erp = stopped_message(), stopped_effect()
    assert (of_shop.team, of_erp.team) == (orders_team, finance_team)

    assert set(visible_cases(ana)) == {of_shop}
    assert set(visible_cases(ben)) == {of_erp}
    assert set(visible_cases(mia)) == {of_shop, of_erp}
    client.force_login(ben)
    assert client.get(f"/queue/{of_shop.pk}/").status_code == 404
    assert client.get(f"/queue/{of_erp.pk}/").status_code == 200
    for verb in ("claim", "replay", "resolve", "note"):
        answer = client.post(f"/queue/{of_shop.pk}/{verb}/", {"reason": "x", "text": "x"})
        assert answer.status_code == 404, verb
    of_shop.refresh_from_db()
    assert (of_shop.state, of_shop.owner, of_shop.version) == ("NEW", None, 1)


def test_what_belongs_to_nobody_is_seen_by_everybody(ana: User, ben: User, now: datetime) -> None:
    case = open_case(Problem(code="inventory.overdrawn", detail="1 × MUG"), now=now)

    assert list(visible_cases(ana)) == list(visible_cases(ben)) == [case]


def test_the_case_of_an_effect_knows_its_order(place: PlaceOrder, stock: Stock) -> None:
    stock("MUG", 5)
    order = place()
    rows = OutboundMessage.objects.filter(kind="order.post")
    rows.update(state="SENDING")
    rows.update(state="DEAD", error_code="connectors.rejected", error_detail="no")

    publish(EffectsStopped(message_ids=(rows.get().pk,)))

    case = ExceptionCase.objects.get()
    assert (case.order, case.order_number, case.value, case.currency) == (
        order,
        "#1001",
        order.total,
        "EUR",
    )
