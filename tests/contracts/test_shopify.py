"""Every payload of Shopify that anybody collected goes through our door and adds up.

Captured bodies were printed anew by whoever kept them, so no captured signature fits: each body is
signed here with a secret of our own and then treated like any other.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.systems.base import MappingFailed
from connectors.systems.shopify import Shopify
from connectors.systems.shopify.difference import sum_of_parts
from connectors.systems.shopify.samples import iter_samples
from connectors.systems.shopify.topics import IGNORED_FAMILIES, ORDER_TOPICS, REFUND_TOPIC
from orders.canonical import CanonicalOrder, CanonicalRefund
from retailhub.kernel.json import read_json
from tests.contracts.samples import contracts_folder, needs_contracts

pytestmark = needs_contracts

FOLDERS = (
    "webhooks_2023-01",
    "webhooks_2024-10",
    "rest_doc_examples_2022_04",
    "rest_doc_examples_2026_07",
    "rest_fixtures_go",
    "rest_fixtures_python",
    "vcr_spree_importer",
)
# What Shopify's own "send test notification" left out; the refusal names it.
REFUSED = {"webhooks_2023-01/refunds.create.json": "Shopify's refund lacks created_at."}
# Totals that are wrong at the source: a sample after a refund, with the total of before.
UNNAMED = {"rest_fixtures_python/order.json"}

SECRET = "a-secret-of-our-own"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

Sample = tuple[str, str, bytes]


def collect() -> list[Sample]:
    folder = contracts_folder()
    if folder is None:
        return []
    shop = folder / "shopify"
    return [
        (path.relative_to(shop).as_posix(), topic, body)
        for name in FOLDERS
        for path, topic, body in iter_samples(shop / name)
    ]


SAMPLES = collect()
ORDERS = [sample for sample in SAMPLES if sample[1] in ORDER_TOPICS]
REFUNDS = [sample for sample in SAMPLES if sample[1] == REFUND_TOPIC]
OTHERS = [sample for sample in SAMPLES if sample[1] not in {*ORDER_TOPICS, REFUND_TOPIC}]


def named(sample: Sample) -> str:
    return f"{sample[0]}:{sample[1]}"


def headers_for(topic: str, body: bytes) -> dict[str, str]:
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    return {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
        "x-shopify-webhook-id": hashlib.sha256(body).hexdigest(),
    }


def test_there_is_something_to_hold_ourselves_to() -> None:
    assert len(ORDERS) >= 60
    assert len(REFUNDS) >= 8
    assert len(OTHERS) >= 300


@pytest.mark.parametrize("sample", SAMPLES, ids=named)
def test_comes_through_the_door(sample: Sample) -> None:
    _, topic, body = sample
    headers = headers_for(topic, body)

    Shopify().verify(headers, body, [SECRET], NOW)
    envelope = Shopify().open(headers, body)

    assert envelope.topic == topic
    assert envelope.key == headers["x-shopify-webhook-id"]
    if topic in ORDER_TOPICS:
        assert envelope.lane == f"order:{read_json(body)['id']}"
    if topic == REFUND_TOPIC:
        assert envelope.lane == f"order:{read_json(body)['order_id']}"


@pytest.mark.parametrize("sample", ORDERS, ids=named)
def test_an_order_adds_up(sample: Sample) -> None:
    name, topic, body = sample

    (found,) = Shopify().read(topic, read_json(body)).facts

    assert isinstance(found, CanonicalOrder)
    assert sum_of_parts(found) + found.difference == found.total
    if found.difference:
        expected = "Shopify says" if name in UNNAMED else "Discount not spread over the lines"
        assert found.difference_reason.startswith(expected)


@pytest.mark.parametrize("sample", REFUNDS, ids=named)
def test_a_refund_is_read_or_refused_by_name(sample: Sample) -> None:
    name, topic, body = sample

    if refusal := REFUSED.get(name):
        with pytest.raises(MappingFailed, match=refusal):
            Shopify().read(topic, read_json(body))
        return

    (found,) = Shopify().read(topic, read_json(body)).facts

    assert isinstance(found, CanonicalRefund)
    assert found.order_external_id == str(read_json(body)["order_id"])


@pytest.mark.parametrize("sample", OTHERS, ids=named)
def test_every_other_topic_is_left_unread_by_name(sample: Sample) -> None:
    _, topic, body = sample

    reading = Shopify().read(topic, read_json(body))

    assert not reading.facts
    assert reading.ignored
    assert not reading.ignored.startswith("unknown topic")


def test_no_order_was_left_out_of_the_walk() -> None:
    folder = contracts_folder()
    assert folder is not None
    seen = Counter(Path(name).parts[0] for name, _, _ in ORDERS)

    assert set(seen) == set(FOLDERS)
    in_text = sum(
        1
        for name in FOLDERS
        for path in (folder / "shopify" / name).rglob("*.json")
        if '"total_price"' in path.read_text() and '"financial_status"' in path.read_text()
    )
    assert len({name for name, _, _ in ORDERS}) >= in_text * 0.9


def test_every_topic_that_exists_is_known() -> None:
    folder = contracts_folder()
    assert folder is not None
    schema = gzip.decompress(
        (folder / "shopify" / "graphql_admin_2026-07.introspection.json.gz").read_bytes()
    )
    parsed = json.loads(schema)
    types = parsed.get("data", parsed)["__schema"]["types"]
    (topics,) = (kind for kind in types if kind["name"] == "WebhookSubscriptionTopic")
    names = [value["name"].lower() for value in topics["enumValues"]]
    known = {"orders", "refunds", *IGNORED_FAMILIES}

    unknown = [name for name in names if not any(name.startswith(f"{family}_") for family in known)]

    assert len(names) > 150
    assert unknown == []
