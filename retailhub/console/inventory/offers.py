"""What was each channel told, what does it show, and does it agree with what we compute?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from exceptions.rows import StateWord, duration
from exceptions.selectors import visible_connections
from inventory.models import Channel, ChannelOffer, Publication
from retailhub.kernel.roles import Ability, may

# A number that a channel has not heard of for so long is stale.
LATE = timedelta(minutes=5)
# What became of a push, in the words of the console's results.
RESULTS = {
    Publication.State.OWED: "waiting",
    Publication.State.SENT: "sent",
    Publication.State.SUPERSEDED: "skipped",
    Publication.State.FAILED: "failed",
}
DRIFTS = Q(observed_at__gte=F("published_at")) & ~Q(observed_quantity=F("published_quantity"))


def is_late(now: datetime) -> Q:
    """Offers whose newest number the channel should have had by now."""
    waits = Q(last__state__in=[Publication.State.OWED, Publication.State.FAILED])
    return waits & Q(last__changed_at__lt=now - LATE)


def visible_channels(user: Any) -> QuerySet[Channel]:
    """The channels of connections this person may see; every one for those who see everything."""
    if may(user, Ability.SEE_EVERYTHING):
        return Channel.objects.order_by("name", "pk")
    mine = visible_connections(user).exclude(channel=None).values("channel")
    return Channel.objects.filter(pk__in=mine).order_by("name", "pk")


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
    def difference(self) -> int | None:
        """What the channel shows beyond what it was told; None when nobody looked since."""
        offer = self.offer
        if offer.observed_quantity is None or offer.published_quantity is None:
            return None
        is_older = (
            offer.observed_at and offer.published_at and offer.observed_at < offer.published_at
        )
        return None if is_older else offer.observed_quantity - offer.published_quantity

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

    def waits(self, state: str, since: timedelta = timedelta(0)) -> bool:
        """Whether the last number is in `state` and its change is older than `since`."""
        last = self.last
        return last is not None and last.state == state and self.now - last.changed_at >= since


_NOT_TOLD = StateWord("off", "Not told", "gray", "minus")
_TOLD = StateWord("told", "Told", "green", "check")
_WORDS: tuple[tuple[Callable[[Standing], bool], StateWord], ...] = (
    (lambda s: s.offer.paused_at is not None, StateWord("paused", "Paused", "gray", "pause")),
    (lambda s: s.waits("FAILED"), StateWord("failed", "Refused", "red", "x")),
    (lambda s: s.offer.published_at is None and s.channel.publish_mode == "OFF", _NOT_TOLD),
    (lambda s: bool(s.difference), StateWord("drift", "Shows another", "red", "alert")),
    (lambda s: s.waits("OWED", LATE), StateWord("stale", "Late", "amber", "clock")),
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
