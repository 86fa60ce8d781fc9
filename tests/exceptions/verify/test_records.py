"""What our own records say of a cure, and what only a person can know."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from connectors.models import CodeMapping, Connection, InboundMessage
from exceptions.models import ExceptionCase
from exceptions.playbook import PLAYBOOK
from exceptions.services import acts
from exceptions.services.verify import verify_due
from exceptions.verifiers import VERIFIERS
from inventory.models import StockLevel
from orders.models import Order
from tests.conftest import PlaceOrder, Stock
from tests.exceptions.conftest import OpenCase, Stopped
from tests.exceptions.unmapped import missing
from tests.exceptions.verify.cures import SOON, close, look


def test_a_message_that_still_waits_brings_its_case_back(
    stopped_message: Stopped, ana: User, now: datetime
) -> None:
    case = look(close(stopped_message(), ana, now), now + SOON)

    assert (case.state, case.proof) == ("NEW", "NOT_CURED")
    assert case.proof_text == "Its message still waits: The order lacks id"


def test_an_order_that_came_in_by_a_newer_message_is_proof(
    stopped_message: Stopped, place: PlaceOrder, stock: Stock, shop: Connection, ana: User,
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
    stopped_message: Stopped, shop: Connection, ana: User, now: datetime
) -> None:
    case = look(close(missing(stopped_message, "k1"), ana, now), now + SOON)

    assert (case.state, case.proof) == ("NEW", "NOT_CURED")
    assert case.proof_text == "“MUG-XMAS” is still not mapped for Shopify DE"


def test_a_saved_mapping_whose_message_went_through_is_cured(
    stopped_message: Stopped, shop: Connection, ana: User, now: datetime
) -> None:
    case = close(missing(stopped_message, "k1"), ana, now)
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
