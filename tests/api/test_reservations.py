"""A shop holds stock over the API: the first answer for ever, and words for every refusal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from connectors.models import Connection
from connectors.services.process import process_batch
from inventory.models import Location, Reservation, ReservationAnswer, StockLevel
from inventory.services.expire_holds import expire_holds
from orders.models import Order
from orders.services.reserve import reserve_due_orders
from tests.api.conftest import Caller, body_of
from tests.conftest import Stock
from tests.racing import at_once


@pytest.fixture
def mugs(stock: Stock) -> StockLevel:
    return stock("MUG", 5)


def body(reference: str = "basket", quantity: int = 2, **more: Any) -> dict[str, Any]:
    return {"reference": reference, "lines": [{"sku": "MUG", "quantity": quantity}], **more}


def reserved(level: StockLevel) -> int:
    level.refresh_from_db()
    return level.reserved


def test_holds_and_shows_it(caller: Caller, mugs: StockLevel) -> None:
    answer = caller.write("reservations", body(expires_in=900))

    url = "http://testserver/api/v1/reservations/basket"
    told = answer.json()
    ends = parse_datetime(told.pop("expires_at"))
    assert (answer.status_code, answer["Location"]) == (201, url)
    assert told == {
        "reference": "basket",
        "is_complete": True,
        "lines": [
            {
                "sku": "MUG",
                "quantity": 2,
                "granted": 2,
                "available": 5,
                "parts": [{"node": "BERLIN", "quantity": 2}],
            }
        ],
        "url": url,
    }
    assert ends is not None
    assert timedelta(minutes=14) < ends - timezone.now() < timedelta(minutes=15)
    shown = caller.get("reservations/basket").json()
    assert shown.pop("expires_at") is not None
    assert shown == {
        "reference": "basket",
        "state": "HELD",
        "lines": [{"sku": "MUG", "node": "BERLIN", "quantity": 2, "consumed": 0, "state": "HELD"}],
        "url": url,
    }
    assert Reservation.objects.get().reference == "webshop/basket"


def test_says_line_by_line_what_there_was(caller: Caller, mugs: StockLevel, stock: Stock) -> None:
    stock("PLATE", 1)
    lines = [{"sku": "MUG", "quantity": 2}, {"sku": "PLATE", "quantity": 3}]

    refused = caller.write("reservations", body(lines=lines), key="k1")
    part = caller.write("reservations", body(lines=lines, mode="best_effort"), key="k2")

    assert (refused.status_code, refused.json()["code"]) == (409, "inventory.insufficient_stock")
    assert refused.json()["detail"] == "There is too little of PLATE (3 asked, 1 there)."
    assert (part.status_code, part.json()["is_complete"]) == (201, False)
    assert [ln["granted"] for ln in part.json()["lines"]] == [2, 1]
    assert reserved(mugs) == 2


def test_gives_the_first_answer_again_also_when_it_was_a_refusal(
    caller: Caller, mugs: StockLevel
) -> None:
    first = caller.write("reservations", body(), key="k1")
    refused = caller.write("reservations", body("other", 9), key="k2")
    StockLevel.objects.update(on_hand=50)

    again = caller.write("reservations", body(), key="k1")
    refused_again = caller.write("reservations", body("other", 9), key="k2")

    assert (again.status_code, again.json()) == (201, first.json())
    told = [{**a.json(), "trace_id": ""} for a in (refused, refused_again)]
    assert told[0] == told[1]
    assert (refused_again.status_code, reserved(mugs)) == (409, 2)


def test_refuses_another_request_under_a_used_key(caller: Caller, mugs: StockLevel) -> None:
    caller.write("reservations", body(), key="k1")

    for path, sent in (("reservations", body(quantity=3)), ("reservations/basket/release", None)):
        answer = caller.write(path, sent, key="k1")
        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "inventory.reservation_conflict",
        )
    assert reserved(mugs) == 2


def test_commits_releases_and_moves(caller: Caller, mugs: StockLevel, stock: Stock) -> None:
    munich = stock("MUG", 4, at="MUNICH")
    caller.write("reservations", body(expires_in=1), key="k1")

    committed = caller.write("reservations/basket/commit", key="k2")
    expire_holds(now=timezone.now() + timedelta(hours=1))
    moved = caller.write(
        "reservations/basket/transfer",
        {"to_node": "MUNICH", "to_reference": "order-7"},
        key="k3",
    )
    released = caller.write("reservations/order-7/release", key="k4")

    assert (committed.status_code, committed.json()["expires_at"]) == (200, None)
    assert (moved.status_code, moved.json()["reference"]) == (200, "order-7")
    assert [(ln["node"], ln["state"]) for ln in moved.json()["lines"]] == [("MUNICH", "HELD")]
    assert (released.status_code, released.json()["state"]) == (200, "RELEASED")
    assert (reserved(mugs), reserved(munich)) == (0, 0)


def test_too_late_to_commit_what_has_expired(caller: Caller, mugs: StockLevel) -> None:
    caller.write("reservations", body(expires_in=60), key="k1")
    Reservation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    late = caller.write("reservations/basket/commit", key="k2")

    assert (late.status_code, late.json()["code"]) == (409, "inventory.reservation_ended")
    assert caller.get("reservations/basket").json()["state"] == "EXPIRED"


def test_a_reference_that_holds_nothing_is_not_there(caller: Caller, mugs: StockLevel) -> None:
    for answer in (
        caller.get("reservations/nothing"),
        caller.write("reservations/nothing/commit", key="k1"),
        caller.write("reservations/nothing/release", key="k2"),
        caller.write("reservations/nothing/transfer", {"to_reference": "x"}, key="k3"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "api.not_found")


def test_holds_from_its_own_channels_nodes_only(
    caller: Caller, shop: Connection, mugs: StockLevel, stock: Stock
) -> None:
    stock("MUG", 9, at="MUNICH")
    assert shop.channel is not None
    shop.channel.locations.set([Location.objects.get(code="MUNICH")])

    own = caller.write("reservations", body(channel="webshop"), key="k1")
    foreign = caller.write("reservations", body("b2", channel="outlet"), key="k2")
    elsewhere = caller.write(
        "reservations",
        body("b3", lines=[{"sku": "MUG", "quantity": 1, "node": "BERLIN"}]),
        key="k3",
    )

    assert own.json()["lines"][0]["parts"] == [{"node": "MUNICH", "quantity": 2}]
    assert (foreign.status_code, elsewhere.status_code) == (404, 409)
    assert reserved(mugs) == 0


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (body(lines=[]), "lines"),
        (body(quantity=0), "lines[0].quantity"),
        (body(reference="a/b"), "reference"),
        (body(lines=[{"sku": "MUG", "quantity": 1}, {"sku": "X", "quantity": 1}]), "lines[1].sku"),
        (body(lines=[{"sku": "MUG", "quantity": 1}] * 2), "lines[1].sku"),
        (body(lines=[{"sku": "MUG", "quantity": 1, "node": "OSLO"}]), "lines[0].node"),
        (body(mode="some"), "mode"),
        (body(expires_in=0), "expires_in"),
        (body(expires=5), "expires"),
        ([], ""),
        ("{", ""),
        ('{"reference": "a", "reference": "b"}', ""),
    ],
)
def test_names_what_is_wrong_and_uses_no_key_up(
    caller: Caller, mugs: StockLevel, sent: Any, field: str
) -> None:
    answer = caller.write("reservations", sent)

    assert (answer.status_code, answer.json()["code"]) == (422, "api.invalid_body")
    assert answer.json().get("field", "") == field
    assert not ReservationAnswer.objects.exists()


@pytest.mark.parametrize(
    ("sent", "field"),
    [({}, ""), ({"to_node": "OSLO"}, "to_node"), ({"to_reference": "a b"}, "to_reference")],
)
def test_a_transfer_says_where_to(caller: Caller, mugs: StockLevel, sent: Any, field: str) -> None:
    caller.write("reservations", body(), key="k1")

    answer = caller.write("reservations/basket/transfer", sent, key="k2")

    assert (answer.status_code, answer.json().get("field", "")) == (422, field)


def test_every_write_wants_an_idempotency_key(caller: Caller, mugs: StockLevel) -> None:
    for path in ("reservations", *(f"reservations/a/{act}" for act in _ACTS)):
        answer = caller.write(path, body(), key=None)
        assert (answer.status_code, answer.json()["code"]) == (
            400,
            "api.idempotency_key_missing",
        )


_ACTS = ("commit", "release", "transfer")


@pytest.mark.django_db(transaction=True)
def test_the_last_mugs_go_to_who_came_first_and_nobody_else(
    caller: Caller, mugs: StockLevel
) -> None:
    def buy(n: int) -> Callable[[], int]:
        # Every basket is sent twice at once, as an impatient shop does.
        return lambda: caller.write("reservations", body(f"b{n}", 1), key=f"k{n}").status_code

    ends = at_once([buy(n // 2) for n in range(24)])
    database.close()

    assert (ends.count(201), ends.count(409)) == (10, 14)
    assert reserved(mugs) == 5


def test_costs_the_same_however_many_lines(
    caller: Caller, stock: Stock, django_assert_num_queries: Callable[..., Any]
) -> None:
    for n in range(30):
        stock(f"MUG{n}", 5)
    lines = [{"sku": f"MUG{n}", "quantity": 1} for n in range(30)]
    caller.write("reservations", body("warm", lines=lines[:1]), key="k1")

    # key, channel's nodes, items, savepoint and its end, skus and nodes for the answer; what is
    # settled runs outside of the count, in two round trips.
    with django_assert_num_queries(7):
        assert caller.write("reservations", body(lines=lines), key="k2").status_code == 201


@pytest.mark.django_db(transaction=True)  # what is due is due since a commit
def test_an_order_takes_over_the_basket_it_names_and_nobody_elses(
    caller: Caller, mugs: StockLevel, stranger: Caller, other_shop: Connection
) -> None:
    assert caller.write("reservations", body()).status_code == 201

    for who, order_id in ((stranger, "S-1"), (caller, "C-1")):
        order = body_of(order_id, financial_status="PAID", reservation="basket")
        assert who.place(order, order_id).status_code == 202
        process_batch(limit=10, now=timezone.now())
        reserve_due_orders(limit=10, now=timezone.now())

    theirs, ours = Order.objects.order_by("pk")
    assert (theirs.state, ours.state) == ("RESERVED", "RESERVED")
    held = Reservation.objects.filter(state="HELD").order_by("pk")
    assert [row.reference.split(":")[1] for row in held] == [str(theirs.pk), str(ours.pk)]
    assert reserved(mugs) == 4
