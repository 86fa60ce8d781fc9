"""What must a system be able to do for us? Two small protocols and the data they pass.

A *source* knocks or is asked; it verifies, opens and reads messages. A *sink* is asked to apply one
business effect, and can be asked whether it already did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from connectors.events import Refusal
from connectors.systems.http import HttpClient
from inventory.canonical import CanonicalStock
from orders.canonical import CanonicalFulfillmentEvent, CanonicalOrder, CanonicalRefund
from retailhub.kernel.errors import NeedsOperator

Json = Any
Headers = Mapping[str, str]  # names in lower case
Fact = CanonicalOrder | CanonicalRefund | CanonicalFulfillmentEvent | CanonicalStock


class SignatureInvalid(Exception):
    """Nobody we know sent this. Answer 401 and keep nothing."""


class MappingFailed(NeedsOperator):
    """The message lacks or garbles a field; the first sentence names it."""

    code = "connectors.invalid_body"


class MappingMissing(NeedsOperator):
    """A code has no row in a mapping table. `table` and `external_code` name the row to add."""

    code = "connectors.mapping_missing"

    def __init__(self, message: str, *, table: str, external_code: str, **context: Any) -> None:
        super().__init__(message, table=table, external_code=external_code, **context)


class PrivacyRequest(NeedsOperator):
    """Somebody uses a right that the law gives them; only a person can answer, in time."""

    code = "privacy.requested"


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What the door must know of a message before anybody parses it.

    `key` is the sender's id of this event, unique per topic for ever. `lane` groups messages that
    must be taken in order (one lane per order). `event_at` is the sender's clock.
    """

    topic: str
    key: str
    lane: str
    entity_id: str = ""
    event_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a message says: facts to apply, or why there is nothing to do."""

    facts: Sequence[Fact] = ()
    ignored: str = ""


# What we asked for carries keys of our own; everything else the source told us by itself.
ASKED_FOR = "poll:"


@dataclass(frozen=True, kw_only=True)
class PolledMessage:
    """A record found by polling, dressed as the message that should have brought it."""

    envelope: Envelope
    body: bytes


@dataclass(frozen=True, kw_only=True)
class PollPage:
    """One page of a poll: what was seen and where to go on."""

    messages: Sequence[PolledMessage]
    cursor: str  # opaque to us; given back on the next call
    has_more: bool
    wait: float = 0.0  # seconds the system would like us to pause before the next page


@dataclass(frozen=True, kw_only=True)
class ListedOrder:
    """An order as the source's list names it; `lane` is that of its messages."""

    external_id: str
    number: str
    placed_at: datetime
    lane: str


@dataclass(frozen=True, kw_only=True)
class OrderList:
    """One page of a source's own list."""

    orders: Sequence[ListedOrder]
    cursor: str  # opaque to us; given back on the next call
    has_more: bool


@dataclass(frozen=True, kw_only=True)
class Account:
    """How to reach one connection: its address, secrets in clear and settings."""

    slug: str
    base_url: str
    # name -> value, e.g. access_token, client_secret; never shown
    secrets: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)


class MappingTable(StrEnum):
    """The kinds of codes that differ between systems."""

    SKU = "SKU"
    LOCATION = "LOCATION"
    TAX_CODE = "TAX_CODE"
    SHIPPING_METHOD = "SHIPPING_METHOD"
    UNIT = "UNIT"


class CodeBook(Protocol):
    """The mapping tables of one connection, our codes to theirs."""

    def external(self, table: str, code: str) -> str:
        """Their code for ours. Raises `MappingMissing`."""


class IntentKind(StrEnum):
    """The business effects we ask of other systems. The value is stored and part of effect keys."""

    POST_ORDER = "order.post"  # the ERP's sales order
    CANCEL_ORDER = "order.cancel"  # close the ERP's sales order
    POST_FULFILLMENT = "fulfillment.post"  # the ERP's item fulfilment
    RELEASE_FULFILLMENT = "fulfillment.release"  # the node's outbound order
    CANCEL_FULFILLMENT = "fulfillment.cancel"
    NOTIFY_SHIPMENT = "shipment.notify"  # the channel's fulfilment with tracking
    PUBLISH_STOCK = "stock.publish"
    CONFIRM_STOCK = "stock.confirm"  # what became of numbers that a channel works through later


@dataclass(frozen=True, kw_only=True)
class Intent:
    """One effect we ask for. `payload` is canonical JSON; `effect_key` is its business identity."""

    kind: IntentKind
    effect_key: str
    payload: Mapping[str, Any]
    trace_id: str
    codes: CodeBook


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The system's word that the effect exists there, but for the entries it `refused`.

    With `awaits_word` it took the work in and says later what became of it.
    """

    external_id: str
    detail: str = ""
    request: Json = None  # what was sent, for the attempt's record
    response: Json = None
    refused: Sequence[Refusal] = ()
    awaits_word: bool = False


class Source(Protocol):
    """Brings messages in."""

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """Pass only what was signed, over the raw bytes, with one of `secrets`.

        Raises `SignatureInvalid`.
        """

    def open(self, headers: Headers, body: bytes) -> Envelope:
        """The envelope, from headers and a glance at the bytes. Never raises for a bad body."""

    def read(self, topic: str, payload: Json) -> Reading:
        """The facts in a parsed body. Pure. Raises `MappingFailed` naming the field."""

    def poll(self, http: HttpClient, account: Account, cursor: str, since: datetime) -> PollPage:
        """One page of what changed after `since` (with `cursor` going on from the last page)."""


class Lister(Protocol):
    """A source that tells which orders it has: what it never told us of can be found."""

    def list_orders(
        self, http: HttpClient, account: Account, window: tuple[datetime, datetime], cursor: str
    ) -> OrderList:
        """One page of the orders placed in `window`, both ends included, oldest first."""

    def fetch_orders(
        self, http: HttpClient, account: Account, external_ids: Sequence[str]
    ) -> Sequence[PolledMessage]:
        """These orders (at most 50), as polling would bring them. Those it lacks are left out."""


class Sink(Protocol):
    """Takes effects out."""

    kinds: frozenset[IntentKind]
    # Kinds that the system itself merges or refuses when asked twice with the same key.
    repeatable: frozenset[IntentKind]

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        """Apply the effect. Raises `RetryLater`, `OutcomeUnknown` or `NeedsOperator`."""

    def look_up(self, http: HttpClient, account: Account, intent: Intent) -> Receipt | None:
        """The receipt if the effect is already there, else None. A read, never a write."""

    def probe(self, http: HttpClient, account: Account) -> Sequence[tuple[str, str]]:
        """Read-only checks as (name, what was seen). Raises like `send` at the first that fails."""
