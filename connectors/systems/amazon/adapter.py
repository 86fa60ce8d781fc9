"""Amazon as a sink for stock: a few numbers one by one, many as a feed that is worked through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.events import Refusal
from connectors.systems.amazon.client import Seller
from connectors.systems.amazon.mapping import (
    errors_in,
    read_quantity,
    read_report,
    refuse,
    write_feed,
    write_patch,
)
from connectors.systems.base import (
    Account,
    Intent,
    IntentKind,
    MappingMissing,
    MappingTable,
    Receipt,
)
from connectors.systems.http import HttpClient, RemoteRejected, RemoteThrottled
from connectors.systems.stock import Look, Rate

# So many at most go one by one, five a second; more are a feed, of which few a hour may be sent.
FEW = 10
MOST_IN_A_FEED = 5_000
# https://developer-docs.amazon.com/sp-api/docs/usage-plans-and-rate-limits: the default plans.
PATCH_RATE = Rate(operation="patchListingsItem", per_second=5, burst=5)
FEED_RATE = Rate(operation="createFeed", per_second=0.0083, burst=15)
LOOK_RATE = Rate(operation="getFeed", per_second=2, burst=15)
FEED_POLL_SECONDS = 30.0

Entry = Mapping[str, Any]


class Amazon:
    """Stock out; what it shows is read listing by listing."""

    kinds = frozenset({IntentKind.PUBLISH_STOCK, IntentKind.CONFIRM_STOCK})
    # To ask how far a feed is changes nothing. A number whose answer was lost is looked for.
    repeatable = frozenset({IntentKind.CONFIRM_STOCK})
    observed_at_once = 5

    def entries_at_once(self, waiting: int) -> int:
        """One by one, or as many as a feed should hold."""
        return 1 if waiting <= FEW else MOST_IN_A_FEED

    def rate_of(self, intent: Intent) -> Rate | None:
        """The plan of the operation that this intent comes to."""
        if intent.kind is IntentKind.CONFIRM_STOCK:
            return LOOK_RATE
        return PATCH_RATE if len(intent.payload["entries"]) == 1 else FEED_RATE

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        """Apply the effect. Raises `RetryLater`, `OutcomeUnknown` or `NeedsOperator`."""
        return _SEND[intent.kind](Seller(http, account, intent.trace_id), intent)

    def look_up(self, http: HttpClient, account: Account, intent: Intent) -> Receipt | None:
        """The receipt if Amazon shows each number already. A long feed is rather sent again."""
        if intent.kind is IntentKind.CONFIRM_STOCK:
            return self.send(http, account, intent)
        entries = intent.payload["entries"]
        if len(entries) > FEW:
            return None
        look = Look(
            skus=[entry["sku"] for entry in entries],
            places=(),
            codes=intent.codes,
            trace_id=intent.trace_id,
        )
        seen = self.observe(http, account, look)
        if any(seen.get(e["sku"], {}).get("") != int(e["quantity"]) for e in entries):
            return None
        return Receipt(external_id="", detail="Amazon already shows these quantities")

    def observe(
        self, http: HttpClient, account: Account, asked: Look
    ) -> Mapping[str, Mapping[str, int]]:
        """What each listing offers of the seller's own stock."""
        seller, seen = Seller(http, account, asked.trace_id), {}
        for sku in asked.skus:
            quantity = read_quantity(seller.listing(_theirs(sku, asked.codes)))
            if quantity is not None:
                seen[sku] = {"": quantity}
        return seen

    def probe(self, http: HttpClient, account: Account) -> Sequence[tuple[str, str]]:
        """That we may sign in, and how much the seller lists."""
        return Seller(http, account).probe()


def _theirs(sku: str, codes: Any) -> str:
    return str(codes.external(MappingTable.SKU, sku))


def _publish(seller: Seller, intent: Intent) -> Receipt:
    named, refused = _named(intent)
    if not named:
        return Receipt(external_id="", detail="nothing was left to tell", refused=refused)
    if len(intent.payload["entries"]) == 1:
        return _patch(seller, *named[0])
    product_type = str(seller.account.settings.get("product_type") or "")
    numbers = [(theirs, int(entry["quantity"])) for entry, theirs in named]
    document = write_feed(seller.seller_id, numbers, product_type)
    feed_id = seller.submit_feed(document)
    return Receipt(
        external_id=feed_id,
        request={"messages": len(numbers), "first": document["messages"][0]},
        detail="being worked through",
        refused=refused,
        awaits_word=True,
    )


def _named(intent: Intent) -> tuple[list[tuple[Entry, str]], list[Refusal]]:
    named, refused = [], []
    for entry in intent.payload["entries"]:
        try:
            named.append((entry, _theirs(entry["sku"], intent.codes)))
        except MappingMissing as error:
            refused.append(_unmapped(entry, str(error)))
    return named, refused


def _unmapped(entry: Entry, detail: str) -> Refusal:
    return Refusal(
        publication_id=entry["publication"],
        code=MappingMissing.code,
        detail=detail,
        context={"table": MappingTable.SKU.value, "external_code": entry["sku"]},
    )


def _patch(seller: Seller, entry: Entry, theirs: str) -> Receipt:
    product_type = str(seller.account.settings.get("product_type") or "")
    request = write_patch(int(entry["quantity"]), product_type)
    try:
        said = seller.patch(theirs, request)
    except RemoteRejected as error:
        if error.context.get("status") != 404:
            raise
        unknown = _unmapped(entry, f"SKU {entry['sku']} is not listed at Amazon.")
        return Receipt(external_id="", request=request, refused=[unknown])
    is_taken = said["status"] == "ACCEPTED"
    refused = [] if is_taken else [refuse(entry, errors_in(said.get("issues")))]
    return Receipt(
        external_id=str(said.get("submissionId", "")),
        request=request,
        response=said,
        refused=refused,
    )


def _confirm(seller: Seller, intent: Intent) -> Receipt:
    feed_id = str(intent.payload["external_id"])
    feed = seller.feed(feed_id)
    status = feed.get("processingStatus")
    if status in {"IN_QUEUE", "IN_PROGRESS"}:
        pause = seller.account.settings.get("feed_poll_seconds") or FEED_POLL_SECONDS
        raise RemoteThrottled("Amazon is still working through the feed.", after=float(pause))
    if status != "DONE":
        raise RemoteRejected(f"Amazon ended the feed {feed_id} as {status}.", feed=feed)
    report = seller.report(str(feed.get("resultFeedDocumentId")))
    entries = [entry for entry, _ in _named(intent)[0]]
    return Receipt(
        external_id=feed_id,
        response=report.get("summary"),
        refused=read_report(report, entries),
    )


_SEND: dict[IntentKind, Callable[[Seller, Intent], Receipt]] = {
    IntentKind.PUBLISH_STOCK: _publish,
    IntentKind.CONFIRM_STOCK: _confirm,
}
