"""Numbers that channels are to be told -> one call per channel at a time, with the newest of each.

A number is put into a call as late as possible: while one call of a channel is under way, newer
numbers replace older ones, and the next call takes what is newest then. A call that waits for its
turn is replaced when one of its numbers is. So a burst of changes costs one call per turn, and two
calls of one channel never overtake each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from connectors.lifecycle import OutboundState
from connectors.models import Connection, OutboundMessage
from connectors.registry import sink_at, takes_stock
from connectors.services.enqueue import Effect, enqueue_effects
from connectors.systems.base import IntentKind
from connectors.systems.stock import STOCK_KINDS, StockSink
from inventory.models import ChannelOffer, Publication
from inventory.selectors import lock_channel
from retailhub.kernel.trace import new_trace_id

LANE = "stock:"
_KINDS = [kind.value for kind in STOCK_KINDS]
_UNDER_WAY = Q(state__in=[OutboundState.READY, OutboundState.SENDING, OutboundState.UNKNOWN])


def owe_stock(*, channel_ids: Iterable[int] | None = None, now: datetime) -> int:
    """Owe each of the channels its next call, if it may be made now. Returns how many are new.

    Without `channel_ids`: every channel for which a number waits.
    """
    waiting = Publication.objects.filter(
        channel_id=OuterRef("channel_id"), state=Publication.State.OWED
    )
    connections = Connection.objects.filter(Exists(waiting), channel__isnull=False, is_active=True)
    connections = connections.filter(outbound_paused_at=None)  # it would hold old numbers
    if channel_ids is not None:
        connections = connections.filter(channel_id__in=list(channel_ids))
    # In the order in which everybody takes the channels' locks.
    return sum(_owe_next(connection, now) for connection in connections.order_by("channel_id"))


def stock_sink(connection: Connection) -> StockSink | None:
    """The connection's sink, if it takes stock."""
    if not takes_stock(connection.system, connection.base_url):
        return None
    sink = sink_at(connection.system, connection.base_url)
    return sink if isinstance(sink, StockSink) else None


@transaction.atomic
def _owe_next(connection: Connection, now: datetime) -> int:
    sink = stock_sink(connection)
    if sink is None or connection.channel_id is None:
        return 0
    lock_channel(connection.channel_id)
    calls = OutboundMessage.objects.filter(connection=connection, kind__in=_KINDS)
    under_way = list(calls.filter(_UNDER_WAY).order_by("pk"))
    replaced = [row for row in under_way if _replace(row, now)]
    if len(replaced) < len(under_way):
        return 0
    owed = Publication.objects.filter(
        channel_id=connection.channel_id, state=Publication.State.OWED
    )
    limit = sink.entries_at_once(owed.count())
    batch = list(_fitting(owed, limit))
    if not batch:
        return 0
    made = enqueue_effects([_effect(connection, batch)], now=now)
    for row in replaced:  # what it waited for, the one in its place waits for too
        calls.filter(state=OutboundState.READY).update(
            next_attempt_at=row.next_attempt_at, failures=row.failures
        )
    return made


def _replace(row: OutboundMessage, now: datetime) -> bool:
    """End a call that nobody has begun and that would tell an old number."""
    if row.kind != IntentKind.PUBLISH_STOCK or row.state != OutboundState.READY:
        return False
    told = Publication.objects.filter(pk__in=row.payload["publications"])
    if not told.exclude(state=Publication.State.OWED).exists():
        return False
    # A worker that has just taken it is quicker: then it goes out, and the newer number after it.
    waiting = OutboundMessage.objects.filter(pk=row.pk, state=OutboundState.READY)
    return bool(waiting.update(state=OutboundState.SUPERSEDED, finished_at=now))


@dataclass(frozen=True)
class _Offered:
    """A number to tell, and what the channel is believed to show."""

    publication: Publication
    sku: str
    shown: dict[str, int]

    def entries(self) -> Iterator[dict[str, Any]]:
        row = self.publication
        numbers = row.nodes or {"": row.quantity}
        for location, quantity in numbers.items():
            entry = {"publication": row.pk, "sku": self.sku, "location": location}
            yield {**entry, "quantity": quantity, "change_from": self.shown.get(location)}


def _fitting(owed: QuerySet[Publication], limit: int) -> Iterator[_Offered]:
    """The oldest numbers first, as many as one call takes; at least one."""
    rows = list(islice(owed.order_by("pk").select_related("item").defer("explanation"), limit))
    offers = ChannelOffer.objects.filter(last_id__in=[row.pk for row in rows])
    believed = {offer.last_id: _shown(offer) for offer in offers}
    entries = 0
    for row in rows:
        entries += max(len(row.nodes), 1)
        if entries > limit and entries > max(len(row.nodes), 1):
            return
        yield _Offered(row, row.item.sku, believed.get(row.pk, {}))


def _shown(offer: ChannelOffer) -> dict[str, int]:
    """What the channel shows as far as we know: the later of what it took and what was seen.

    Empty when it showed something else too often: then the number is set whatever is there.
    """
    if offer.refusals > MOST_REFUSALS:
        return {}
    is_seen_later = offer.observed_at is not None and (
        offer.published_at is None or offer.observed_at >= offer.published_at
    )
    nodes: dict[str, int] = offer.observed_nodes if is_seen_later else offer.published_nodes
    return nodes


# After so many a number goes out unconditionally: a shop that never stands still is told all the
# same, and the read-back says whether it stayed.
MOST_REFUSALS = 3


def _effect(connection: Connection, batch: Sequence[_Offered]) -> Effect:
    ids = [offered.publication.pk for offered in batch]
    reference = f"{connection.slug}:{max(ids)}:{len(ids)}"
    return Effect(
        connection_id=connection.pk,
        kind=IntentKind.PUBLISH_STOCK,
        reference=reference,
        lane=f"{LANE}{reference}",
        payload={
            "reference": reference,
            "publications": ids,
            "entries": [entry for offered in batch for entry in offered.entries()],
        },
        trace_id=new_trace_id(),
    )
