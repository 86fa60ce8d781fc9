"""Rows that go in by COPY and change in one UPDATE are the rows that `save()` would have made."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from inventory.models import Channel
from orders.models import Order
from retailhub.kernel.rows import insert_rows, update_rows
from retailhub.kernel.trace import new_trace_id
from retailhub.models import LiveEvent

AWKWARD = "tab\t newline\n backslash\\ quote\" apostrophe' null \\N ümlaut 🛒"


def _order(channel: Channel, number: int) -> Order:
    now = timezone.now()
    return Order(
        channel=channel,
        external_id=str(number),
        reference=f"shop-{number}",
        number=AWKWARD,
        state="ACCEPTED",
        currency="EUR",
        total=Decimal("12.3400"),
        ship_to={"name": AWKWARD, "lines": [1, None]},
        placed_at=now,
        version_at=now,
        accepted_at=now,
        trace_id=new_trace_id(),
    )


@pytest.fixture
def channel(db: None) -> Channel:
    return Channel.objects.create(code="shop", name="Shop")


def test_inserts_what_was_given_and_hands_out_the_ids(channel: Channel) -> None:
    made = insert_rows(_order(channel, number) for number in range(3))

    for row in made:
        kept = Order.objects.get(pk=row.pk)
        assert kept.number == AWKWARD
        assert kept.ship_to == {"name": AWKWARD, "lines": [1, None]}
        assert kept.bill_to is None
        assert kept.total == Decimal("12.34")
        assert kept.placed_at == row.placed_at
        assert kept.trace_id == row.trace_id
    assert len({row.pk for row in made}) == 3


def test_reads_what_the_database_filled_in_when_it_is_asked_for(channel: Channel) -> None:
    (row,) = insert_rows([_order(channel, 1)])

    assert row.created_at == Order.objects.get(pk=row.pk).created_at


def test_a_row_inserted_this_way_can_be_saved_again(channel: Channel) -> None:
    (row,) = insert_rows([_order(channel, 1)])
    row.state = "CANCELLED"
    row.save(update_fields=["state"])

    assert Order.objects.get().state == "CANCELLED"


def test_refuses_what_the_table_refuses(channel: Channel) -> None:
    with pytest.raises(IntegrityError, match="reference"), transaction.atomic():
        insert_rows([_order(channel, 1), _order(channel, 1)])

    assert not Order.objects.exists()


@pytest.mark.django_db
def test_refuses_rows_of_which_only_some_leave_a_column_to_the_database() -> None:
    rows = [LiveEvent(topic="a", entity="1"), LiveEvent(topic="a", entity="2", at=timezone.now())]

    with pytest.raises(ValueError, match="at"):
        insert_rows(rows)


def test_changes_the_named_fields_of_every_row_in_one_statement(
    channel: Channel, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rows = insert_rows(_order(channel, number) for number in range(3))
    for row in rows:
        row.customer_status, row.sourcing, row.note = (
            f"{AWKWARD}"[:40],
            [row.external_id],
            "kept out",
        )

    with django_assert_num_queries(1):
        update_rows(rows, ["customer_status", "sourcing", "delivered_at"])

    for number, kept in enumerate(Order.objects.order_by("pk")):
        assert kept.customer_status == AWKWARD[:40]
        assert kept.sourcing == [str(number)]
        assert kept.note == ""
        assert kept.delivered_at is None


@pytest.mark.django_db
def test_nothing_to_write_asks_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        insert_rows([])
        update_rows([], ["state"])
