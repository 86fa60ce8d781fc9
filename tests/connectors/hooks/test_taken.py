"""The door: 2xx only after the commit, and nothing lost that was signed."""

from __future__ import annotations

import json

import pytest

from connectors.drains import drain_inbox
from connectors.models import Connection, InboundKey, InboundMessage
from exceptions.models import ExceptionCase
from tests.connectors.door import answers, custom, knock, order_payload, shopify

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_signed_delivery_is_on_record_before_the_answer(shop: Connection) -> None:
    assert answers(shopify(b'{"id": 1}')) == [(200, "stored")]

    row = InboundMessage.objects.get()
    assert (row.connection, row.topic, row.key, row.lane) == (
        shop,
        "orders/create",
        "e1:1",
        f"{shop.pk}:order:1",
    )
    assert bytes(row.body) == b'{"id": 1}'


def test_keeps_the_headers_that_tell_deliveries_apart_and_no_secret() -> None:
    knock(shopify(b'{"id": 1}'))

    kept = InboundMessage.objects.get().headers
    assert kept["x-shopify-event-id"] == "e1"
    assert kept["x-shopify-topic"] == "orders/create"
    assert not {"x-shopify-hmac-sha256", "cookie", "authorization"} & kept.keys()


def test_both_spellings_of_the_headers_are_read() -> None:
    spellings = ["X-Shopify", "Shopify", "x-shopify", "SHOPIFY"]

    said = answers(*[shopify(b'{"id": 1}', event=f"e-{name}", spelling=name) for name in spellings])

    assert said == [(200, "stored")] * 4
    assert set(InboundMessage.objects.values_list("topic", flat=True)) == {"orders/create"}


def test_twenty_that_say_the_same_at_once_are_one_message() -> None:
    said = answers(*[shopify(b'{"id": 1}')] * 20)

    assert sorted(said) == [(200, "duplicate")] * 19 + [(200, "stored")]
    assert InboundMessage.objects.count() == 1
    assert InboundKey.objects.get().hits == 20


def test_the_same_id_with_another_body_is_taken_and_told() -> None:
    said = answers(shopify(b'{"id": 1}')) + answers(shopify(b'{"id": 1, "note": 2}'))

    assert said == [(200, "stored"), (200, "conflict")]
    drain_inbox()
    case = ExceptionCase.objects.get(code="connectors.key_conflict")
    assert case.title == "Shopify DE sent two different messages under one id"


BROKEN = {
    "not JSON": (b"<xml/>", "The body is not JSON: Expecting value at line 1, column 1."),
    "cut in half": (b'{"id": 1, "li', "The body is not JSON: Unterminated string starting at"),
    "empty": (b"", "The body is not JSON: Expecting value at line 1, column 1."),
    "NaN": (b'{"id": 1, "total": NaN}', "The body holds NaN, which is not a number in JSON."),
    "twice the same field": (b'{"id": 1, "id": 2}', "The field 'id' is there twice"),
    "a lone surrogate": (b'{"id": 1, "note": "\\ud800"}', "The text at note holds a broken"),
    "too deep": (b"[" * 100_000, "The body nests deeper than 64 levels."),
    "UTF-16": ('{"id": 1}'.encode("utf-16"), "The body is not UTF-8 text"),
    "a list": (b"[]", "The order is not an object but a list."),
    "a field is missing": (b'{"id": 1}', "The order lacks"),
}  # fmt: skip


def test_broken_bodies_are_kept_answered_well_and_shown_to_a_person() -> None:
    knocks = [custom(body, key=name) for name, (body, _) in BROKEN.items()]

    assert answers(*knocks) == [(200, "stored")] * len(BROKEN)
    drain_inbox()

    rows = {row.key: row for row in InboundMessage.objects.all()}
    assert {(row.state, row.error_code) for row in rows.values()} == {
        ("DEAD", "connectors.invalid_body")
    }
    details = dict(ExceptionCase.objects.values_list("inbound__key", "detail"))
    for name, (body, said) in BROKEN.items():
        assert bytes(rows[name].body) == body
        assert details[name].startswith(said), details[name]


def test_the_first_sentence_names_the_field() -> None:
    wrong = order_payload(total="ten")
    assert answers(custom(wrong)) == [(200, "stored")]

    drain_inbox()

    assert "total" in ExceptionCase.objects.get().detail.split(".", maxsplit=1)[0]


def test_an_unknown_topic_is_ignored_and_says_so() -> None:
    answers(shopify(b'{"id": 7}', topic="moons/full"))

    drain_inbox()

    row = InboundMessage.objects.get()
    assert (row.state, row.error_detail) == ("IGNORED", "unknown topic moons/full")
    assert not ExceptionCase.objects.exists()


def test_a_batch_of_many_orders_keeps_every_one() -> None:
    said = answers(
        *[custom(order_payload(f"A-{n}"), key=f"m{n}") for n in range(100)],
    )

    assert said == [(200, "stored")] * 100
    stored = InboundMessage.objects.order_by("pk")
    assert {json.loads(bytes(row.body))["id"] for row in stored} == {f"A-{n}" for n in range(100)}
