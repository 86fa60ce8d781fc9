"""Each message is on record once for ever; another body under a known id is kept, never dropped."""

from __future__ import annotations

import hashlib
from datetime import datetime

import pytest

from connectors.models import Connection, InboundKey, InboundMessage
from connectors.services.receive import (
    Delivery,
    Intake,
    Stored,
    clipped,
    receive_messages,
    waves,
)
from connectors.systems.base import Envelope
from tests.racing import at_once


def delivery(
    connection: Connection, key: str = "k1", body: bytes = b"{}", topic: str = "orders/create"
) -> Delivery:
    envelope = Envelope(topic=topic, key=key, lane=f"order:{key[:20]}")
    return Delivery(connection_id=connection.pk, envelope=envelope, body=body)


def outcomes(stored: list[Stored]) -> list[str]:
    return [one.outcome.value for one in stored]


def test_keeps_a_message_byte_for_byte(shop: Connection) -> None:
    body = b'{"a":\x00\xff not even text'

    (stored,) = receive_messages([delivery(shop, body=body)])

    row = InboundMessage.objects.get()
    assert (stored.outcome, stored.message_id) == (Intake.STORED, row.pk)
    assert (bytes(row.body), bytes(row.body_sha256)) == (body, hashlib.sha256(body).digest())
    assert (row.topic, row.key, row.lane, row.state) == (
        "orders/create",
        "k1",
        f"{shop.pk}:order:k1",
        "RECEIVED",
    )
    key = InboundKey.objects.get()
    assert (key.message_id, key.hits) == (row.pk, 1)


def test_the_same_message_again_counts_a_hit(shop: Connection) -> None:
    first = receive_messages([delivery(shop)])
    again = receive_messages([delivery(shop)])

    assert outcomes(again) == ["DUPLICATE"]
    assert again[0].message_id == first[0].message_id
    assert InboundMessage.objects.count() == 1
    assert InboundKey.objects.get().hits == 2


def test_another_body_under_a_known_id_is_kept_as_a_conflict_once(shop: Connection) -> None:
    first = receive_messages([delivery(shop, body=b"1")])

    second = receive_messages([delivery(shop, body=b"2")])
    third = receive_messages([delivery(shop, body=b"2")])
    fourth = receive_messages([delivery(shop, body=b"1")])

    assert outcomes(second) + outcomes(third) + outcomes(fourth) == [
        "CONFLICT",
        "CONFLICT",
        "DUPLICATE",
    ]
    rows = InboundMessage.objects.order_by("pk")
    assert [bytes(row.body) for row in rows] == [b"1", b"2"]
    assert rows[1].is_conflict_of_id == first[0].message_id
    assert InboundKey.objects.get().hits == 4


def test_the_same_id_under_another_topic_or_connection_is_another_message(
    shop: Connection, webshop: Connection
) -> None:
    stored = receive_messages(
        [delivery(shop), delivery(shop, topic="orders/paid"), delivery(webshop)]
    )

    assert outcomes(stored) == ["STORED"] * 3
    assert InboundMessage.objects.count() == 3


def test_twins_in_one_batch_are_one_message_and_a_third_body_a_conflict(shop: Connection) -> None:
    stored = receive_messages(
        [delivery(shop, body=b"1"), delivery(shop, body=b"1"), delivery(shop, body=b"2")]
    )

    assert outcomes(stored) == ["STORED", "DUPLICATE", "CONFLICT"]
    assert InboundMessage.objects.count() == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("k" * 300, "k" * 300),
        ("k\x001", "k1"),
        ("\x00" * 5 + "k" * 400, "k" * 400),
    ],
    ids=["over-long", "with a NUL", "both"],
)
def test_ids_that_mean_the_same_on_record_may_come_in_one_batch(
    shop: Connection, one: str, other: str
) -> None:
    assert outcomes(receive_messages([delivery(shop, one), delivery(shop, other)])) == [
        "STORED",
        "DUPLICATE",
    ]


def test_over_long_ids_that_differ_at_the_end_stay_apart(shop: Connection) -> None:
    keys = ["k" * 300 + end for end in ("a", "b")]

    stored = receive_messages([delivery(shop, key) for key in keys])

    assert outcomes(stored) == ["STORED", "STORED"]
    assert all(len(row.key) == 200 for row in InboundMessage.objects.all())


def test_over_long_topics_that_differ_at_the_end_stay_apart(shop: Connection) -> None:
    topics = ["t" * 90 + end for end in ("a", "b")]

    stored = receive_messages([delivery(shop, topic=topic) for topic in topics])

    assert outcomes(stored) == ["STORED", "STORED"]


def test_a_clipped_id_is_its_start_and_a_digest_of_the_whole() -> None:
    assert clipped("short", 200) == "short"
    long = clipped("x" * 500, 200)
    assert len(long) == 200
    assert long.startswith("x" * 159 + "~")


def test_no_wave_meets_its_own_rows(shop: Connection) -> None:
    batch = [delivery(shop, key) for key in ("a", "b", "a", "a", "b", "c")]

    assert waves(batch) == [[0, 1, 5], [2, 4], [3]]


@pytest.mark.django_db(transaction=True)
def test_the_same_message_from_many_at_once_is_one_row(shop: Connection, now: datetime) -> None:
    ends = at_once([lambda: outcomes(receive_messages([delivery(shop)]))] * 20)

    assert sorted(map(str, ends)) == ["['DUPLICATE']"] * 19 + ["['STORED']"]
    assert InboundMessage.objects.count() == 1
    assert InboundKey.objects.get().hits == 20
