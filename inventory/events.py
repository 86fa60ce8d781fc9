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
    """A promise was released; its units may be promised again."""

    item_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StockOverdrawn(Event):
    """A count from outside left fewer units than are promised."""

    level_id: int
    short: int
