"""The database refuses what `lifecycle.py` does not allow, whoever asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from connectors.lifecycle import INBOUND_NEXT, OUTBOUND_NEXT, InboundState, OutboundState
from connectors.models import InboundMessage, OutboundMessage
from tests.conftest import PlaceOrder, Stock

Table = dict[str, set[str]]


def plain(following: Mapping[Any, Iterable[StrEnum]]) -> Table:
    return {str(state): {str(after) for after in states} for state, states in following.items()}


TABLES = {"inbound": plain(INBOUND_NEXT), "outbound": plain(OUTBOUND_NEXT)}


@pytest.mark.parametrize("name", TABLES)
def test_the_database_knows_the_table_as_it_stands(db: None, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT prosrc FROM pg_proc WHERE proname = 'connectors_{name}_state_moves'"
        )
        ((source,),) = cursor.fetchall()

    pairs = set(re.findall(r"'([A-Z]+)>([A-Z]+)'", source))

    assert pairs == {(a, b) for a, following in TABLES[name].items() for b in following}


def refusals(row: InboundMessage | OutboundMessage, states: type[StrEnum]) -> set[tuple[str, str]]:
    """Every move of `row` that the database refuses."""
    refused = set()
    rows = type(row).objects.filter(pk=row.pk)
    for before, after in product(states, states):
        with connection.cursor() as cursor:
            # Past the guard: how the row came to be in `before` is not what is asked here.
            cursor.execute("SET LOCAL session_replication_role = 'replica'")
            rows.update(state=before)
            cursor.execute("SET LOCAL session_replication_role = 'origin'")
        try:
            with transaction.atomic():
                rows.update(state=after)
        except IntegrityError:
            refused.add((str(before), str(after)))
    return refused


def test_says_which_row_and_which_move(place: PlaceOrder, stock: Stock) -> None:
    stock("MUG", 5)
    place()
    row = OutboundMessage.objects.order_by("pk")[0]

    said = f"a state moves by the table: outbound {row.pk} can't go from READY to MANUAL"
    with pytest.raises(IntegrityError, match=said), transaction.atomic():
        OutboundMessage.objects.filter(pk=row.pk).update(state="MANUAL")


def forbidden(table: Table) -> set[tuple[str, str]]:
    return {(a, b) for a, b in product(table, table) if a != b and b not in table[a]}


def test_refuses_every_other_move_of_an_effect(place: PlaceOrder, stock: Stock) -> None:
    stock("MUG", 5)
    place()

    refused = refusals(OutboundMessage.objects.order_by("pk")[0], OutboundState)

    assert refused == forbidden(TABLES["outbound"])


def test_refuses_every_other_move_of_a_message(shop: object, db: None) -> None:
    row = InboundMessage.objects.create(
        connection_id=getattr(shop, "pk", 0), topic="t", key="k", lane="l", body=b"{}",
        body_sha256=b"", trace_id="00000000-0000-7000-8000-000000000001",
    )  # fmt: skip

    assert refusals(row, InboundState) == forbidden(TABLES["inbound"])
