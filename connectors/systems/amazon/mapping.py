"""Numbers -> Amazon's words, and its words about them -> refusals. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.events import Refusal

PATH = "/attributes/fulfillment_availability"
# The seller's own stock; Amazon's networks count for themselves.
CHANNEL = "DEFAULT"
ANY_PRODUCT = "PRODUCT"

Json = dict[str, Any]
Entry = Mapping[str, Any]


def write_patch(quantity: int, product_type: str = "") -> Json:
    """The body of patchListingsItem: how many of the seller's own stock may be sold."""
    return {"productType": product_type or ANY_PRODUCT, "patches": [_patch(quantity)]}


def write_feed(seller_id: str, entries: Sequence[tuple[str, int]], product_type: str = "") -> Json:
    """A JSON_LISTINGS_FEED document: each (their SKU, quantity) is the message of its number."""
    return {
        "header": {"sellerId": seller_id, "version": "2.0", "issueLocale": "en_US"},
        "messages": [
            {
                "messageId": number,
                "sku": sku,
                "operationType": "PATCH",
                "productType": product_type or ANY_PRODUCT,
                "patches": [_patch(quantity)],
            }
            for number, (sku, quantity) in enumerate(entries, start=1)
        ],
    }


def _patch(quantity: int) -> Json:
    value = [{"fulfillment_channel_code": CHANNEL, "quantity": quantity}]
    return {"op": "replace", "path": PATH, "value": value}


def read_quantity(listing: Any) -> int | None:
    """How many of the seller's own stock a listing shows; None when it says nothing."""
    offered = listing.get("fulfillmentAvailability") if isinstance(listing, dict) else None
    for entry in offered if isinstance(offered, list) else ():
        if isinstance(entry, dict) and entry.get("fulfillmentChannelCode") == CHANNEL:
            quantity = entry.get("quantity", 0)
            return quantity if isinstance(quantity, int) else None
    return None


def errors_in(issues: Any) -> list[Json]:
    """The issues that kept a submission from being taken; warnings did not."""
    listed = issues if isinstance(issues, list) else []
    return [i for i in listed if isinstance(i, dict) and i.get("severity") == "ERROR"]


def refuse(entry: Entry, issues: Sequence[Json]) -> Refusal:
    """One number that Amazon did not take, in its own words."""
    said = "; ".join(str(issue.get("message", "")) for issue in issues)[:300]
    codes = " ".join(sorted({str(issue["code"]) for issue in issues if issue.get("code")}))
    return Refusal(
        publication_id=entry["publication"],
        code="connectors.rejected",
        detail=f"Amazon refused {entry['sku']}: {said or 'without a reason'}",
        context={"vendor_codes": codes},
    )


def read_report(report: Any, entries: Sequence[Entry]) -> list[Refusal]:
    """The numbers that a processing report names as not taken, by their place in the feed."""
    by_message: dict[int, list[Json]] = {}
    for issue in errors_in(report.get("issues") if isinstance(report, dict) else None):
        number = issue.get("messageId")
        if isinstance(number, int) and 0 < number <= len(entries):
            by_message.setdefault(number, []).append(issue)
    return [refuse(entries[number - 1], issues) for number, issues in sorted(by_message.items())]
