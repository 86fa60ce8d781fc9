"""What was each channel told, what does it show, and does it agree with what we compute?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Value,
)
from django.db.models.lookups import LessThan

from connectors.models import Connection
from connectors.registry import takes_stock
from exceptions.rows import StateWord, duration
from exceptions.selectors import visible_connections
from inventory.models import Channel, ChannelOffer, Publication
from inventory.telling import Mode
from retailhub.kernel.roles import Ability, may

# What became of a push, in the words of the console's results.
RESULTS = {
    Publication.State.OWED: "waiting",
    Publication.State.SENT: "sent",
    Publication.State.SUPERSEDED: "skipped",
    Publication.State.FAILED: "failed",
}
DRIFTS = Q(observed_at__gte=F("published_at")) & ~Q(observed_quantity=F("published_quantity"))


def is_late(now: datetime) -> Q:
    """Offers whose newest number the channel should have had by now, as it was promised."""
    waits = Q(last__state__in=[Publication.State.OWED, Publication.State.FAILED])
    promised = ExpressionWrapper(
        F("channel__slo_seconds") * Value(timedelta(seconds=1)), output_field=DurationField()
    )
    due = ExpressionWrapper(F("last__changed_at") + promised, output_field=DateTimeField())
    return waits & Q(LessThan(due, now), channel__slo_seconds__gt=0)


def visible_channels(user: Any) -> QuerySet[Channel]:
    """The channels of connections this person may see; every one for those who see everything."""
    channels = Channel.objects.select_related("connection").order_by("name", "pk")
    if may(user, Ability.SEE_EVERYTHING):
        return channels
    mine = visible_connections(user).exclude(channel=None).values("channel")
    return channels.filter(pk__in=mine)


def is_told(channel: Channel) -> bool:
    """Whether it takes stock at all: switched on, by a connection that can be told."""
    connection: Connection | None = getattr(channel, "connection", None)
    if channel.publish_mode == Mode.OFF or connection is None:
        return False
    return takes_stock(connection.system, connection.base_url)


@dataclass(frozen=True)
class Standing:
    """One item at one channel, now: what we compute, what we told, what it shows."""

    channel: Channel
    computed: int
    offer: ChannelOffer  # an empty one where there is none yet
    now: datetime

    @property
    def last(self) -> Publication | None:
        """The newest number, told or on its way."""
        return self.offer.last

    @property
    def told(self) -> int | None:
        """The newest number that the channel took."""
        return self.offer.published_quantity

    @property
    def shown(self) -> int | None:
        """What the channel showed; None when nobody looked since it was told."""
        looked, told = self.offer.observed_at, self.offer.published_at
        return None if looked and told and looked < told else self.offer.observed_quantity

    @property
    def difference(self) -> int | None:
        """What the channel shows beyond what it was told; None when nobody looked since."""
        if self.shown is None or self.told is None:
            return None
        return self.shown - self.told

    @property
    def state(self) -> StateWord:
        """The loudest thing to say of it."""
        return next((word for is_so, word in _WORDS if is_so(self)), _TOLD)

    @property
    def lag_text(self) -> str:
        """How long the channel did not know of the last number."""
        return lag_text(self.last.changed_at, self.last.sent_at) if self.last else ""

    @property
    def last_result(self) -> str:
        """What became of the last push, in the words of the console's results."""
        return RESULTS[Publication.State(self.last.state)] if self.last else ""

    @property
    def last_at(self) -> datetime | None:
        """When that was."""
        return (self.last.sent_at or self.last.decided_at) if self.last else None

    def waits(self, state: str) -> bool:
        """Whether the last number is in `state`."""
        return self.last is not None and self.last.state == state

    @property
    def is_late(self) -> bool:
        """Whether the last number is on its way for longer than was promised."""
        promised = self.channel.slo_seconds
        if not promised or self.last is None or not self.waits("OWED"):
            return False
        return self.now - self.last.changed_at > timedelta(seconds=promised)


_NOT_TOLD = StateWord("off", "Takes no stock", "gray", "minus")
_TOLD = StateWord("told", "Told", "green", "check")
_WORDS: tuple[tuple[Callable[[Standing], bool], StateWord], ...] = (
    (lambda s: not is_told(s.channel), _NOT_TOLD),
    (lambda s: s.offer.paused_at is not None, StateWord("paused", "Paused", "gray", "pause")),
    (lambda s: s.waits("FAILED"), StateWord("failed", "Refused", "red", "x")),
    (lambda s: bool(s.difference), StateWord("drift", "Shows another", "red", "alert")),
    (lambda s: s.is_late, StateWord("stale", "Late", "amber", "clock")),
    (lambda s: s.waits("OWED"), StateWord("owed", "On its way", "blue", "out")),
    (lambda s: s.told is None, StateWord("new", "Not published", "gray", "minus")),
)


def standings(
    channels: Iterable[Channel],
    offers: Mapping[int, ChannelOffer],
    computed: Mapping[int, int],
    *,
    now: datetime,
) -> list[Standing]:
    """Where an item stands at each of `channels`; offers and sums by channel id."""
    return [
        Standing(c, computed.get(c.pk, 0), offers.get(c.pk) or ChannelOffer(), now)
        for c in channels
    ]


def lag_text(changed_at: datetime, sent_at: datetime | None) -> str:
    """How long the channel did not know."""
    if sent_at is None:
        return ""
    span = max(sent_at - changed_at, timedelta(0))
    seconds = span.total_seconds()
    return f"{seconds:.0f} s" if seconds < 60 else duration(span)


def offers_of(item_ids: Iterable[int], channels: Iterable[Channel]) -> QuerySet[ChannelOffer]:
    """The offers of these items at these channels, with their newest publication."""
    rows = ChannelOffer.objects.filter(item_id__in=list(item_ids), channel__in=list(channels))
    return rows.select_related("last").defer("last__explanation").order_by("channel_id", "item_id")
