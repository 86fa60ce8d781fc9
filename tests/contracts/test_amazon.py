"""What we say to Amazon fits its own schemas, and what it says we read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from connectors.systems.amazon.adapter import FEED_RATE, LOOK_RATE, PATCH_RATE
from connectors.systems.amazon.mapping import read_quantity, read_report, write_feed, write_patch
from retailhub.sandbox.marketplace.access import PLANS
from tests.contracts.samples import contracts_folder, needs_contracts

pytestmark = needs_contracts


def sample(name: str) -> Any:
    folder = contracts_folder()
    assert isinstance(folder, Path)
    return json.loads((folder / "amazon_sp_api" / name).read_text())


def test_a_feed_fits_amazons_schema() -> None:
    schema = sample("feed_schemas/listings-feed-schema-v2.json")
    message = sample("feed_schemas/listings-feed-message-schema-v2.json")
    feed = write_feed("A2SELLER", [("MUG-BLUE", 5), ("TEA", 0)])

    jsonschema.validate(feed, schema)
    for part in feed["messages"]:
        jsonschema.validate(part, message)


def test_a_patch_fits_the_listings_model() -> None:
    model = sample("models/listingsItems_2021-08-01.json")
    schema = {"$ref": "#/definitions/ListingsItemPatchRequest", "definitions": model["definitions"]}

    jsonschema.validate(write_patch(5), schema)


def test_a_processing_report_names_the_numbers_that_were_refused() -> None:
    report = sample("feed_schemas/listings-feed-processing-report-schema-v2.example.json")
    entries = [{"publication": 10 + n, "sku": f"S{n}", "quantity": 1} for n in range(1, 6)]

    refused = read_report(report, entries)

    assert [(r.publication_id, r.context["vendor_codes"]) for r in refused] == [
        (14, "90220"), (15, "99022"),
    ]  # fmt: skip


def test_a_listing_says_how_many_the_seller_offers() -> None:
    assert read_quantity(sample("recipe_responses/listings-getListingsItem.json")) == 100


@pytest.mark.parametrize("rate", [PATCH_RATE, FEED_RATE, LOOK_RATE])
def test_we_and_the_sandbox_keep_to_amazons_plans(rate: Any) -> None:
    (plan,) = [
        row
        for row in sample("rate_limits_extracted.json")
        if row["operationId"] == rate.operation and row["rate_per_second"]
    ]
    theirs = (float(plan["rate_per_second"][0]), int(plan["burst"][0]))

    assert theirs == (rate.per_second, rate.burst) == PLANS[rate.operation]
