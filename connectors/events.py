"""What happened between us and the outside. Ids only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from retailhub.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class MessagesStopped(Event):
    """Inbound messages need a person: dead, or parked for something only a person can give."""

    message_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class MessageFinished(Event):
    """An inbound message reached a good end; what stood in its way is gone."""

    message_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class MessagesReplaced(Event):
    """Older snapshots gave way to a newer one that waits for the same reason."""

    message_ids: tuple[int, ...]
    by_id: int


@dataclass(frozen=True, kw_only=True)
class OrdersMissed(Event):
    """A source has these orders and never told us of them; we asked for them ourselves."""

    missed_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class EffectsOwed(Event):
    """New rows in the outbox."""

    message_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One entry of many that the system did not take. `context` names what is to be corrected.

    With `observed`, what it shows instead by location (one number under "" where it has none):
    somebody else moved it.
    """

    publication_id: int
    code: str
    detail: str
    context: Mapping[str, str] = field(default_factory=dict)
    observed: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class SentEffect:
    """An effect that a system has, but for what it `refused`; `external_id` is its name there.

    With `awaits_word` the system says later what became of it.
    """

    message_id: int
    kind: str
    order_id: int | None
    reference: str
    external_id: str
    refused: tuple[Refusal, ...] = ()
    awaits_word: bool = False


@dataclass(frozen=True, kw_only=True)
class EffectsSent(Event):
    """Other systems have these effects."""

    effects: tuple[SentEffect, ...]


@dataclass(frozen=True, kw_only=True)
class EffectsStopped(Event):
    """Effects need a person: refused, exhausted, or their outcome can't be found out."""

    message_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class EffectDoubted(Event):
    """What a system told of an effect does not fit its end: a person must look there."""

    message_id: int
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class EffectSetAside(Event):
    """A stopped effect will never be asked for again: taken back, or a person decided."""

    message_id: int
    kind: str
    order_id: int | None
    reference: str


@dataclass(frozen=True, kw_only=True)
class ConnectionChanged(Event):
    """Health, breaker or pause of a connection changed."""

    connection_id: int


@dataclass(frozen=True, kw_only=True)
class MappingSaved(Event):
    """A row of a mapping table was added or changed."""

    connection_id: int
    table: str
    external_code: str
    canonical_code: str
