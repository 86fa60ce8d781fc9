"""What happened to stock. Ids only."""

from __future__ import annotations

from dataclasses import dataclass

from retailhub.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class StockCounted(Event):
    """A source said how many there are; more may be promised now."""

    item_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StockFreed(Event):
    """A promise was released, or goods came in: more may be promised."""

    item_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StockOverdrawn(Event):
    """Something that happened to stock left fewer units than are promised.

    `effect_key` names the movement in the ledger.
    """

    level_id: int
    short: int
    effect_key: str


@dataclass(frozen=True, kw_only=True)
class OffersChanged(Event):
    """What channels are to be told of these items, or what they answered."""

    item_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StockProved(Event):
    """Every level was compared with the ledger; `named` are the first of those that differ."""

    levels: int
    differing: int
    named: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StockOffered(Event):
    """Channels are to be told new numbers."""

    channel_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StockRefused(Event):
    """A channel did not take the newest number of an offer."""

    offer_id: int
    code: str
    detail: str
    context: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class StockDrifted(Event):
    """A channel shows another number than it was told, and nothing explains it."""

    offer_id: int


@dataclass(frozen=True, kw_only=True)
class OffersCured(Event):
    """What was wrong with these offers is over: the channel took the number, or shows it."""

    offer_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class SnapshotStored(Event):
    """A file of stock is on record and waits to be run."""

    run_id: int


@dataclass(frozen=True, kw_only=True)
class SnapshotEnded(Event):
    """A file of stock was applied, held or failed."""

    run_id: int


@dataclass(frozen=True, kw_only=True)
class LateChannel:
    """Seconds: what was promised, the age of the oldest change it does not know, and p95."""

    channel_id: int
    promised: int
    oldest: int
    p95: int


@dataclass(frozen=True, kw_only=True)
class ChannelsLate(Event):
    """These channels do not hear of changes in time. Said again as long as it is so."""

    channels: tuple[LateChannel, ...]


@dataclass(frozen=True, kw_only=True)
class ChannelsInTime(Event):
    """These channels hear of changes in time."""

    channel_ids: tuple[int, ...]
